<?php
/**
 * The mevent client for PHP 8.1 and later, in one file and without an extension.
 *
 * Mevent\Client is what new code uses. The functions at the end (mevent_init_plugin, mevent_trigger, …) are those of the PHP
 * extension of old, for code that was written for it; where that extension is loaded, they are not defined. README.md beside this file has both.
 *
 * License: MIT.
 */
declare(strict_types=1);

namespace Mevent {

/** Whatever goes wrong here is one of these. */
abstract class MeventException extends \RuntimeException
{
}

/** The request cannot be sent as it is: the message says why. Nothing has left the client. The code is 16. */
final class UnsendableException extends MeventException
{
    public function __construct(string $message)
    {
        parent::__construct($message, 16);
    }
}

/** HDF text that cannot be read; the message has the place and the line. */
final class HdfException extends MeventException
{
}

/** No reply came. The code is 0. */
abstract class TransportException extends MeventException
{
    /** @param bool $sent whether the request went out: the server may have processed it all the same */
    public function __construct(string $message, public readonly bool $sent)
    {
        parent::__construct($message);
    }
}

/** The server cannot be reached, or its certificate is not to be trusted. Nothing was sent. */
final class ConnectException extends TransportException
{
    public function __construct(string $message)
    {
        parent::__construct($message, false);
    }
}

/** No reply came in time. */
final class TimeoutException extends TransportException
{
}

/** The connection ended before the reply. */
final class LostException extends TransportException
{
}

/** What came is no reply of mevent's; the connection is closed. */
final class ProtocolException extends TransportException
{
    public function __construct(string $message)
    {
        parent::__construct($message, true);
    }
}

/** The server's answer was an error: the code is the reply's, the message its sentence. */
class ReplyException extends MeventException
{
    private function __construct(
        string $message,
        public readonly Reply $reply,
        public readonly string $plugin,
        public readonly int $command,
        /** Where the plugin's `expose_trace` is on. */
        public readonly ?string $trace,
    ) {
        parent::__construct($message, $reply->code);
    }

    /** The exception for the code of a reply. */
    final public static function of(Reply $reply, string $plugin, int $command): self
    {
        $result = $reply->result();
        $output = is_array($result) && is_array($result['Output'] ?? null) ? $result['Output'] : [];
        $sentence = is_string($output['errmsg'] ?? null) ? rtrim($output['errmsg'], "\n") : Code::name($reply->code);
        $class = match (true) {
            $reply->code === Code::AUTH => AuthException::class,
            $reply->code === Code::FAILED => FailedException::class,
            $reply->code === Code::VERSION, $reply->code === Code::BROKEN => BrokenException::class,
            $reply->code === Code::UNKNOWN => UnknownException::class,
            $reply->code === Code::BUSY => BusyException::class,
            $reply->code === Code::PACK => PackException::class,
            $reply->code === Code::BAD_PARAM => BadParamException::class,
            $reply->code === Code::CACHE_MISS => CacheMissException::class,
            $reply->code >= Code::FIRST_OWN => PluginException::class,
            default => self::class,
        };
        $trace = is_string($output['errtrace'] ?? null) ? $output['errtrace'] : null;
        return new $class($sentence, $reply, $plugin, $command, $trace);
    }
}

/** 13: the token is refused, or does not allow this. */
final class AuthException extends ReplyException
{
}

/** 14: the plugin failed without a code of its own, took too long, or its worker died. */
final class FailedException extends ReplyException
{
}

/** 15 and 17: the server could not read the request; one that is longer than its `max_frame`, too. */
final class BrokenException extends ReplyException
{
}

/** 18: there is no such plugin, or it has no such command. */
final class UnknownException extends ReplyException
{
}

/** 21: the plugin's queue is full, or the rate is used up: try again later. */
final class BusyException extends ReplyException
{
}

/** 22: the result does not fit a message. */
final class PackException extends ReplyException
{
}

/** 23: a param is missing or wrong. */
final class BadParamException extends ReplyException
{
}

/** 24: the plugin's cache has no such key. */
final class CacheMissException extends ReplyException
{
}

/** 25 to 999: an error of the plugin's own. */
final class PluginException extends ReplyException
{
}

/** Reply codes. */
final class Code
{
    public const AUTH = 13;
    public const FAILED = 14;
    public const VERSION = 15;
    public const BROKEN = 17;
    public const UNKNOWN = 18;
    public const MEMORY = 19;
    public const DATABASE = 20;
    public const BUSY = 21;
    public const PACK = 22;
    public const BAD_PARAM = 23;
    public const CACHE_MISS = 24;
    public const FIRST_OWN = 25;
    /** This one and those above it are successes. */
    public const OK = 1000;

    /** What a code without a sentence says. */
    public static function name(int $code): string
    {
        return match ($code) {
            self::AUTH => 'the server refuses this caller',
            self::FAILED => 'the plugin failed',
            self::VERSION => 'the server speaks another version of the protocol',
            self::BROKEN => 'the server could not read the request',
            self::UNKNOWN => 'there is no such plugin or command',
            self::MEMORY => 'the server has no memory for it',
            self::DATABASE => 'the plugin\'s database failed',
            self::BUSY => 'the plugin is busy',
            self::PACK => 'the result does not fit a message',
            self::BAD_PARAM => 'a param is missing or wrong',
            self::CACHE_MISS => 'the cache has no such key',
            default => "the plugin answered $code",
        };
    }
}

/** A node of an HDF tree: a value, children, both or neither. The root has children alone. */
final class HdfNode
{
    public ?string $value = null;
    /** The attribute `type`, "100" to "108". */
    public ?string $type = null;
    /** @var array<int|string, HdfNode> by name, in the order in which they came; PHP makes ints of names like 0 and 17 */
    public array $children = [];
    /** While a text is read: the dotted name, from the root, that this node is a link to. */
    public ?string $link = null;

    /** The node of a dotted name below this one. */
    public function get(string $path): ?HdfNode
    {
        $node = $this;
        foreach (explode('.', $path) as $name) {
            $node = $node->children[$name] ?? null;
            if ($node === null) {
                return null;
            }
        }
        return $node;
    }

    /** The value of a dotted name below this one. */
    public function value(string $path, ?string $otherwise = null): ?string
    {
        return $this->get($path)?->value ?? $otherwise;
    }

    /** Sets the value of a dotted name, and its type. The names must be such as Hdf::isPath() likes. */
    public function set(string $path, string $value, ?string $type = null): void
    {
        $node = $this;
        foreach (explode('.', $path) as $name) {
            $node = $node->children[$name] ??= new HdfNode();
        }
        $node->value = $value;
        $node->type = $type ?? $node->type;
    }
}

/** HDF text, to and from trees and arrays. Texts are bytes here: a listener may have another charset than UTF-8. */
final class Hdf
{
    public const STRING = '100';
    public const BOOL = '101';
    public const INT = '102';
    public const INT64 = '103';
    public const FLOAT = '104';
    public const DATETIME = '105';
    public const TIMESTAMP = '106';
    public const OBJECT = '107';
    public const LIST = '108';
    /** Levels of a tree that is made from an array. */
    private const MAX_DEPTH = 64;
    private const NAME = '[A-Za-z0-9_\x80-\xff]+';
    /** What HDF takes for white space within a line. */
    public const SPACE = " \t\r\v\f";

    /** Whether that is a name of one level. */
    public static function isName(string $name): bool
    {
        return preg_match('/^' . self::NAME . '$/D', $name) === 1;
    }

    /** Whether that is a dotted name. */
    public static function isPath(string $path): bool
    {
        return preg_match('/^' . self::NAME . '(?:\.' . self::NAME . ')*$/D', $path) === 1;
    }

    /**
     * Writes the tree as the C library does, with no attribute but `type`.
     *
     * A value with white space at an end loses it on a line of its own. With $exact it goes out in lines, as one with a newline in it always does;
     * what goes out in lines is read with a newline at its end.
     */
    public static function write(HdfNode $parent, bool $exact): string
    {
        $text = '';
        foreach ($parent->children as $name => $node) {
            $type = $node->type === null ? '' : " [type=\"{$node->type}\"] ";
            if ($node->value !== null || $node->children === []) {
                $value = $node->value ?? '';
                if (str_contains($value, "\n") || ($exact && trim($value, self::SPACE) !== $value)) {
                    $end = self::terminator($value);
                    $last = str_ends_with($value, "\n") ? '' : "\n";
                    $text .= "$name$type << $end\n$value$last$end\n";
                } else {
                    $text .= "$name$type = $value\n";
                }
                $type = '';
            }
            if ($node->children !== []) {
                $text .= "$name$type{\n" . self::write($node, $exact) . "}\n";
            }
        }
        return $text;
    }

    /** EOM, or the first of EOM1, EOM2, … that ends no word of the text: readers of old look for it in the midst of long lines, too. */
    private static function terminator(string $value): string
    {
        preg_match_all('/EOM(?:[1-9][0-9]{0,8})?(?![A-Za-z0-9_])/', $value, $found);
        $taken = array_flip($found[0]);
        $end = 'EOM';
        for ($number = 1; isset($taken[$end]); $number++) {
            $end = "EOM$number";
        }
        return $end;
    }

    /**
     * The array as a tree, with types, so that toArray() gives the same.
     *
     * @param array<int|string, mixed>|object $params
     * @throws UnsendableException for what HDF cannot say: null, a key that is no name, a NUL, infinity
     */
    public static function fromArray(array|object $params): HdfNode
    {
        $root = new HdfNode();
        self::fillMembers($root, $params, '', 1);
        return $root;
    }

    /** @param array<int|string, mixed>|object $params */
    private static function fillMembers(HdfNode $node, array|object $params, string $path, int $depth): void
    {
        if ($depth > self::MAX_DEPTH) {
            throw new UnsendableException("param \"$path\" lies more than " . self::MAX_DEPTH . ' levels deep: nest less');
        }
        foreach (is_array($params) ? $params : get_object_vars($params) as $key => $value) {
            $place = $path === '' ? (string) $key : "$path.$key";
            if ($key === '' && $path !== '' && (is_scalar($value))) {
                self::fill($node, $value, $path, $depth);
            } elseif (self::isName((string) $key)) {
                self::fill($node->children[$key] = new HdfNode(), $value, $place, $depth);
            } else {
                throw new UnsendableException("param \"$place\" is no HDF name: use letters, digits and _, or send JSON");
            }
        }
    }

    private static function fill(HdfNode $node, mixed $value, string $path, int $depth): void
    {
        if ($value instanceof \JsonSerializable) {
            $value = $value->jsonSerialize();
        }
        if (is_string($value)) {
            if (str_contains($value, "\0")) {
                throw new UnsendableException("param \"$path\" has a NUL, which ends HDF text: encode it, or send JSON");
            }
            $node->value = $value;
        } elseif (is_int($value)) {
            $node->value = (string) $value;
            $node->type = $value >= -0x80000000 && $value <= 0x7fffffff ? self::INT : self::INT64;
        } elseif (is_float($value) && is_finite($value)) {
            $node->value = Wire::json($value);
            $node->type = self::FLOAT;
        } elseif (is_bool($value)) {
            $node->value = $value ? '1' : '0';
            $node->type = self::BOOL;
        } elseif (is_array($value) || $value instanceof \stdClass) {
            self::fillMembers($node, $value, $path, $depth + 1);
            if (is_array($value) && array_is_list($value)) {
                $node->value = '';
                $node->type = self::LIST;
            } elseif ($node->children === [] && $node->value === null) {
                $node->value = '';
                $node->type = self::OBJECT;
            }
        } else {
            $found = is_float($value) ? 'is no finite number' : 'is of type ' . get_debug_type($value) . ', which HDF cannot say: leave it out';
            throw new UnsendableException("param \"$path\" $found");
        }
    }

    /**
     * The tree as an array, as its types say: bools, ints, floats, texts, lists and arrays. A node with a value and children has the value under
     * the key "".
     *
     * @return array<int|string, mixed>
     */
    public static function toArray(HdfNode $root): array
    {
        $members = [];
        foreach ($root->children as $name => $node) {
            $members[$name] = self::typed($node);
        }
        return $members;
    }

    private static function typed(HdfNode $node): mixed
    {
        $isContainer = $node->type === self::OBJECT || $node->type === self::LIST;
        $hasText = $node->value !== null && !($isContainer && $node->value === '');
        if ($node->children === [] && $hasText) {
            return self::scalar($node->type, $node->value);
        }
        $members = self::toArray($node);
        if ($hasText) {
            return ['' => self::scalar($node->type, $node->value)] + $members;
        }
        if ($node->type === self::LIST && array_filter(array_keys($members), is_string(...)) === []) {
            ksort($members);
            return array_values($members);
        }
        return $members;
    }

    private static function scalar(?string $type, string $text): string|int|float|bool
    {
        switch ($type) {
            case self::BOOL:
                return !in_array($text, ['', 'false'], true) && preg_match('/^[+-]?0+$/D', $text) === 0;
            case self::INT:
            case self::INT64:
                return $text === '' ? 0 : Wire::whole($text);
            case self::FLOAT:
                if ($text === '') {
                    return 0.0;
                }
                $whole = preg_match('/^[+-]?[0-9]{16,}$/D', $text) === 1;
                return $whole ? Wire::whole($text) : (is_numeric($text) ? (float) $text : $text);
            default:
                return $text;
        }
    }

    /**
     * The tree as the extension's `mevent_result` gives it: types as there, whatever the value looks like.
     *
     * @param bool $typed false for what the older extension makes of it: texts
     * @return array<int|string, mixed>
     */
    public static function toExtensionArray(HdfNode $root, bool $typed = true): array
    {
        $members = [];
        foreach ($root->children as $name => $node) {
            $type = $node->type ?? self::STRING;
            if ($node->children !== [] || ($typed && ($type === self::LIST || $type === self::OBJECT))) {
                $inner = self::toExtensionArray($node, $typed);
                $members[$name] = $typed && $type === self::LIST ? array_values($inner) : $inner;
            } elseif ($node->value !== null) {
                $members[$name] = match (true) {
                    !$typed => $type === 'int' ? self::leadingInt($node->value) : $node->value,
                    $type === self::FLOAT => self::leadingFloat($node->value),
                    in_array($type, [self::BOOL, self::INT, self::INT64, self::DATETIME, self::TIMESTAMP], true) => self::leadingInt($node->value),
                    default => $node->value,
                };
            }
        }
        return $members;
    }

    /** What `atol` makes of a text: the digits that it begins with. */
    private static function leadingInt(string $text): int
    {
        return preg_match('/^\s*([+-]?[0-9]+)/', $text, $found) === 1 ? (int) $found[1] : 0;
    }

    /** What `strtod` makes of a text. */
    private static function leadingFloat(string $text): float
    {
        if (preg_match('/^\s*([+-]?)(nan|inf)/i', $text, $found) === 1) {
            return strtolower($found[2]) === 'nan' ? NAN : ($found[1] === '-' ? -INF : INF);
        }
        return (float) $text;
    }
}

/** Reads HDF text: `name = value`, dotted names, blocks, attributes, `<<` texts, `:=` copies, `:` links, comments; in files `#include`, too. */
final class HdfReader
{
    private const MAX_DEPTH = 512;
    private const MAX_NODES = 1_000_000;
    /** Links one after the other, which bounds loops. */
    private const MAX_LINKS = 32;
    private const MAX_INCLUDE_LEVELS = 50;
    private const MAX_INCLUDES = 1000;
    private const MAX_FILE_BYTES = 16_777_216;

    private readonly HdfNode $root;
    private int $nodes = 0;
    private int $includes = 0;
    /** @var list<array{HdfNode, string}> links to be made copies, and where they stand */
    private array $links = [];
    /** @var array<int, true> those that are being resolved, by object id */
    private array $busy = [];

    private function __construct(private readonly bool $mayInclude)
    {
        $this->root = new HdfNode();
    }

    /** @throws HdfException where the text cannot be read */
    public static function text(string $text): HdfNode
    {
        $reader = new self(false);
        $reader->read($text, 'HDF', $reader->root, 0, 0);
        return $reader->finished();
    }

    /** What the C library makes of a text: it reads up to the first line that it cannot read. */
    public static function asFarAsReadable(string $text): HdfNode
    {
        $reader = new self(false);
        try {
            $reader->read($text, 'HDF', $reader->root, 0, 0);
            return $reader->finished();
        } catch (HdfException) {
            return $reader->root;
        }
    }

    /** @throws HdfException where the file, or one that it includes, cannot be read */
    public static function file(string $path): HdfNode
    {
        $reader = new self(true);
        $reader->readFile($path, $reader->root, 0, 0);
        return $reader->finished();
    }

    private function readFile(string $path, HdfNode $into, int $depth, int $level): void
    {
        $text = is_file($path) ? @file_get_contents($path, false, null, 0, self::MAX_FILE_BYTES + 1) : false;
        if ($text === false) {
            throw new HdfException("$path: " . (is_file($path) ? 'the file cannot be read' : 'there is no such file'));
        }
        if (strlen($text) > self::MAX_FILE_BYTES) {
            throw new HdfException("$path has more than " . self::MAX_FILE_BYTES . ' bytes');
        }
        $this->read($text, $path, $into, $depth, $level);
    }

    /** Reads the text into the node, which lies $depth levels deep; $level is that of the files that include each other. */
    private function read(string $text, string $source, HdfNode $node, int $depth, int $level): void
    {
        $open = [];
        $length = strlen($text);
        for ($at = str_starts_with($text, "\xEF\xBB\xBF") ? 3 : 0, $number = 1; $at < $length; $number++) {
            $end = strpos($text, "\n", $at);
            $end = $end === false ? $length : $end;
            $line = trim(substr($text, $at, $end - $at), Hdf::SPACE);
            $at = $end + 1;
            $place = "$source, line $number";
            if ($line === '' || $line[0] === '#') {
                if ($this->mayInclude && preg_match('/^#include\s+(.+)$/s', $line, $found) === 1) {
                    $this->include(trim($found[1], '"' . Hdf::SPACE), $place, $source, $node, $depth, $level + 1);
                } elseif (preg_match('/^#include\s/', $line) === 1) {
                    throw new HdfException("$place: #include is for files alone");
                }
                continue;
            }
            if ($line[0] === '}') {
                if ($open === []) {
                    throw new HdfException("$place: a \"}\" that closes nothing");
                }
                [$node, $depth] = array_pop($open);
                continue;
            }
            if (preg_match('/^([A-Za-z0-9_.\x80-\xff]+)\s*/', $line, $found) !== 1) {
                throw new HdfException("$place: no name at its beginning: write name = value");
            }
            [$matched, $name] = $found;
            $rest = substr($line, strlen($matched));
            $type = null;
            if ($rest !== '' && $rest[0] === '[') {
                [$type, $rest] = $this->attributes($rest, $place);
            }
            $target = $this->place($node, $depth, $name, $place);
            if (str_starts_with($rest, '=')) {
                $target->value = ltrim(substr($rest, 1), Hdf::SPACE);
                $target->link = null;
            } elseif (str_starts_with($rest, '{')) {
                // What follows on the line is passed over, as in C.
                $open[] = [$node, $depth];
                $depth += substr_count($name, '.') + 1;
                $node = $this->through($target, $place);
            } elseif (str_starts_with($rest, '<<')) {
                $word = trim(substr($rest, 2), Hdf::SPACE);
                $target->value = $this->lines($text, $at, $number, $word, $place);
                $target->link = null;
            } elseif (str_starts_with($rest, ':=')) {
                $target->value = $this->find(trim(substr($rest, 2), Hdf::SPACE), $place)?->value ?? '';
                $target->link = null;
            } elseif (str_starts_with($rest, ':')) {
                $target->link = trim(substr($rest, 1), Hdf::SPACE);
                $this->links[] = [$target, $place];
            } else {
                throw new HdfException("$place: nothing that HDF knows follows \"$name\": write name = value");
            }
            $target->type = $type ?? $target->type;
        }
        if ($open !== []) {
            throw new HdfException("$source: a \"{\" is never closed");
        }
    }

    /** The lines up to the one that is the word alone; moves on $at and $number. */
    private function lines(string $text, int &$at, int &$number, string $word, string $place): string
    {
        $start = $at;
        $length = strlen($text);
        while ($word !== '' && $at < $length) {
            $from = $at;
            $end = strpos($text, "\n", $at);
            $end = $end === false ? $length : $end;
            $at = $end + 1;
            $number++;
            if (substr_compare($text, $word, $from, strlen($word)) === 0 && trim(substr($text, $from, $end - $from), Hdf::SPACE) === $word) {
                return substr($text, $start, $from - $start);
            }
        }
        throw new HdfException("$place: the text behind << has no end");
    }

    /** @return array{?string, string} the type, and what follows the attributes */
    private function attributes(string $text, string $place): array
    {
        $type = null;
        $attribute = '/\G\s*([A-Za-z0-9_.]+)\s*(?:=\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\s,\]]*)))?\s*(,?)/s';
        $at = 1;
        while (preg_match($attribute, $text, $found, 0, $at) === 1) {
            if ($found[1] === 'type') {
                $quoted = $found[2] ?? '';
                $type = $quoted !== '' ? stripcslashes($quoted) : ($found[3] ?? '');
            }
            $at += strlen($found[0]);
        }
        if (preg_match('/\G\s*\]\s*/', $text, $found, 0, $at) !== 1) {
            throw new HdfException("$place: its attributes cannot be read: write [key=\"value\"]");
        }
        return [$type, substr($text, $at + strlen($found[0]))];
    }

    private function include(string $name, string $place, string $source, HdfNode $into, int $depth, int $level): void
    {
        if ($level > self::MAX_INCLUDE_LEVELS || ++$this->includes > self::MAX_INCLUDES) {
            throw new HdfException("$place: files include each other on more than " . self::MAX_INCLUDE_LEVELS . ' levels, or more than '
                . self::MAX_INCLUDES . ' times');
        }
        $folders = [];
        foreach ($this->root->get('hdf.loadpaths')?->children ?? [] as $folder) {
            $folders[] = $folder->value ?? '';
        }
        $folders[] = '.';
        $folders[] = dirname($source);
        foreach (str_starts_with($name, '/') ? [''] : $folders as $folder) {
            $path = $folder === '' ? $name : "$folder/$name";
            if (is_file($path)) {
                $this->readFile($path, $into, $depth, $level);
                return;
            }
        }
        throw new HdfException("$place: there is no file \"$name\" to include");
    }

    /** The node of a dotted name, made where it is not there; on its way links are gone through. */
    private function place(HdfNode $node, int $depth, string $path, string $place): HdfNode
    {
        $names = explode('.', $path);
        if ($depth + count($names) > self::MAX_DEPTH) {
            throw new HdfException("$place: more than " . self::MAX_DEPTH . ' levels deep');
        }
        foreach ($names as $name) {
            if ($name === '') {
                throw new HdfException("$place: \"$path\" has an empty level");
            }
            $node = $this->through($node, $place);
            if (!isset($node->children[$name])) {
                $this->count($place);
                $node->children[$name] = new HdfNode();
            }
            $node = $node->children[$name];
        }
        return $node;
    }

    private function through(HdfNode $node, string $place): HdfNode
    {
        for ($links = 0; $node->link !== null; $links++) {
            if ($links > self::MAX_LINKS) {
                throw new HdfException("$place: its link leads back to itself");
            }
            $node = $this->find($node->link, $place, $links) ?? $this->place($this->root, 0, $node->link, $place);
        }
        return $node;
    }

    /** The node of a dotted name from the root, by way of links; null where there is none. */
    private function find(string $path, string $place, int $links = 0): ?HdfNode
    {
        $node = $this->root;
        foreach (explode('.', $path) as $name) {
            for (; $node?->link !== null; $links++) {
                if ($links > self::MAX_LINKS) {
                    throw new HdfException("$place: its link leads back to itself");
                }
                $node = $this->find($node->link, $place, $links + 1);
            }
            $node = $node?->children[$name] ?? null;
            if ($node === null) {
                return null;
            }
        }
        return $node;
    }

    /** Ends the tree: links become copies of what they point to, and stay empty where that is not there. */
    private function finished(): HdfNode
    {
        foreach ($this->links as [$node, $place]) {
            $this->resolve($node, $place);
        }
        return $this->root;
    }

    private function resolve(HdfNode $node, string $place): void
    {
        if ($node->link === null) {
            return;
        }
        if (isset($this->busy[spl_object_id($node)]) || count($this->busy) > self::MAX_LINKS) {
            throw new HdfException("$place: its link leads back to itself");
        }
        $this->busy[spl_object_id($node)] = true;
        $target = $this->find($node->link, $place);
        if ($target !== null) {
            $this->resolve($target, $place);
            $node->value = $target->value;
            $node->type ??= $target->type;
            $this->copy($node, $target, $place);
        }
        $node->link = null;
        unset($this->busy[spl_object_id($node)]);
    }

    private function copy(HdfNode $node, HdfNode $source, string $place): void
    {
        foreach ($source->children as $name => $child) {
            $this->count($place);
            $this->resolve($child, $place);
            $own = $node->children[$name] ??= new HdfNode();
            $own->value = $child->value;
            $own->type = $child->type;
            $this->copy($own, $child, $place);
        }
    }

    private function count(string $place): void
    {
        if (++$this->nodes > self::MAX_NODES) {
            throw new HdfException("$place: more than " . self::MAX_NODES . ' names');
        }
    }
}

/** A reply of the server's. */
final class Reply
{
    /** @param ?string $encoding how $text is written: `json`, `hdf`, or null where the reply is bare */
    public function __construct(
        public readonly int $id,
        public readonly int $code,
        public readonly ?string $encoding,
        public readonly string $text,
    ) {
    }

    public function isOk(): bool
    {
        return $this->code >= Code::OK;
    }

    /** The result; null where the reply is bare. Whole numbers beyond 64 bits are texts of their digits. */
    public function result(): mixed
    {
        if ($this->encoding === null) {
            return null;
        }
        if ($this->encoding === 'hdf') {
            try {
                return Hdf::toArray(HdfReader::text($this->text));
            } catch (HdfException $error) {
                throw new ProtocolException("the reply's HDF cannot be read: {$error->getMessage()}");
            }
        }
        try {
            return json_decode($this->text === '' ? '{}' : $this->text, true, 512, JSON_THROW_ON_ERROR | JSON_BIGINT_AS_STRING);
        } catch (\JsonException $error) {
            throw new ProtocolException("the reply's JSON cannot be read: {$error->getMessage()}");
        }
    }
}

/** Messages as bytes. Numbers are big-endian. */
final class Wire
{
    public const SYNC = 2;
    /** Of an async request: its answer is to have the operation's id. */
    public const ID = 4;
    /** The largest request id: 28 bits, and what the C client stops at. */
    private const MAX_ID = 0x0FFFFFFC;
    private const STRING_CELL = 3;

    private static int $lastId = 0;

    /** An id that no request in flight has; the first is by chance, so that nobody can answer in the server's place over UDP. */
    public static function nextId(): int
    {
        self::$lastId = self::$lastId === 0 ? random_int(1, self::MAX_ID) : (self::$lastId >= self::MAX_ID ? 1 : self::$lastId + 1);
        return self::$lastId;
    }

    /**
     *     | version 1:4 | id:28 | command 2 | flags 2 | name length 4 | name | body |
     */
    public static function request(int $id, string $plugin, int $command, int $flags, string $body): string
    {
        return pack('NnnN', 1 << 28 | $id, $command, $flags, strlen($plugin)) . $plugin . $body;
    }

    /** One STRING cell of that name, and EOF:  | 3 | name length | name | length | value | 0 | */
    public static function cell(string $name, string $value): string
    {
        return pack('NN', self::STRING_CELL, strlen($name)) . $name . pack('N', strlen($value)) . $value . pack('N', 0);
    }

    /** The body for HDF text, whose value ends in a NUL. */
    public static function hdfBody(string $text): string
    {
        return self::cell('root', "$text\0");
    }

    /** @param array<int|string, mixed>|object $params */
    public static function body(string $encoding, array|object $params): string
    {
        if (is_array($params) && $params !== [] && array_is_list($params)) {
            throw new UnsendableException('params are to be an array with names, not a list');
        }
        if ($encoding === 'hdf') {
            return self::hdfBody(Hdf::write(Hdf::fromArray($params), true));
        }
        return self::cell('json', self::json($params === [] ? new \stdClass() : $params));
    }

    /** JSON with each number's own digits, also where the settings of PHP have another precision. */
    public static function json(mixed $value): string
    {
        $precision = ini_set('serialize_precision', '-1');
        try {
            return json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION);
        } catch (\JsonException $error) {
            throw new UnsendableException("the params cannot be written as JSON: {$error->getMessage()}");
        } finally {
            if ($precision !== false) {
                ini_set('serialize_precision', $precision);
            }
        }
    }

    /** The whole number that the text spells: an int, beyond 64 bits the text itself. */
    public static function whole(string $text): int|string
    {
        $number = filter_var(preg_replace('/^([+-]?)0+(?=[0-9])/', '$1', $text), FILTER_VALIDATE_INT);
        return $number === false ? $text : $number;
    }

    /**
     *     | id 4 | code 4 | body length 4 | cells |     a bare reply ends after the code
     *
     * @throws ProtocolException where the message is none, or its lengths go beyond it
     */
    public static function reply(string $message): Reply
    {
        $length = strlen($message);
        if ($length < 8) {
            throw new ProtocolException("a message of $length bytes is no reply");
        }
        ['id' => $id, 'code' => $code] = unpack('Nid/Ncode', $message);
        if ($length < 16) {
            return new Reply($id, $code, null, '');
        }
        ['type' => $type] = unpack('Ntype', $message, 12);
        if ($type === 0) {
            return new Reply($id, $code, null, '');
        }
        $name = self::counted($message, 16);
        $text = self::counted($message, 20 + strlen($name));
        if ($type !== self::STRING_CELL || ($name !== 'root' && $name !== 'json')) {
            throw new ProtocolException("a reply's cell of type $type is neither JSON nor HDF");
        }
        return $name === 'json'
            ? new Reply($id, $code, 'json', $text)
            : new Reply($id, $code, 'hdf', str_ends_with($text, "\0") ? substr($text, 0, -1) : $text);
    }

    /** What stands behind its length of 4 bytes. */
    private static function counted(string $message, int $at): string
    {
        $size = strlen($message) < $at + 4 ? -1 : unpack('N', $message, $at)[1];
        if ($size < 0 || $size > strlen($message) - $at - 4) {
            throw new ProtocolException('a reply is shorter than it says');
        }
        return substr($message, $at + 4, $size);
    }
}

/** Where a server listens: `tcp://host:port`, `tls://host:port`, `udp://host:port` or `unix:///path`. */
final class Address
{
    public const DEFAULT_PORT = 26000;

    private function __construct(
        /** tcp, tls, udp or unix */
        public readonly string $transport,
        /** The host as a URL has it (IPv6 in brackets), or the path of a Unix socket. */
        public readonly string $host,
        public readonly int $port,
    ) {
    }

    public static function parse(string $text): self
    {
        if (preg_match('~^unix:(?://)?(/.+)$~D', $text, $found) === 1) {
            return new self('unix', $found[1], 0);
        }
        if (preg_match('~^(tcp|tls|udp)://(\[[0-9A-Fa-f:.%]+\]|[^:/\[\]\s]+)(?::([0-9]{1,5}))?/?$~D', $text, $found) === 1) {
            $port = (int) ($found[3] ?? self::DEFAULT_PORT);
            if ($port >= 1 && $port <= 65535) {
                return new self($found[1], $found[2], $port);
            }
        }
        throw new \InvalidArgumentException("\"$text\" is no address: write tcp://host:port, tls://host:port, udp://host:port or unix:///path");
    }

    public function __toString(): string
    {
        return $this->transport === 'unix' ? "unix://$this->host" : "$this->transport://$this->host:$this->port";
    }
}

/**
 * One connection to a server: requests go out and replies come in at the same time, and are told apart by their ids.
 *
 * It is opened when it is needed, and anew where the server has closed it in the meantime. What was sent is never sent again by itself.
 */
final class Connection
{
    /** The largest datagram. */
    private const MAX_DATAGRAM = 65_507;
    /** Requests of one exchange that may be unanswered, and bytes that may wait for the socket. */
    private const WINDOW = 256;
    private const DATAGRAM_WINDOW = 16;
    private const MAX_WAITING_BYTES = 1_048_576;
    private const CHUNK = 65_536;
    private const LOGIN_PLUGIN = 'Reserve.Auth';

    /** @var array<string, self> those that outlive their client, by address and options */
    private static array $persistent = [];

    /** @var resource|null */
    private $stream = null;
    private bool $isLoggedIn = false;
    /** Bytes of replies that are not complete. */
    private string $in = '';
    /** What is to be written, from $outAt on. */
    private string $out = '';
    private int $outAt = 0;
    /** The piece, or the datagram, that is being written. It stays the same string until the socket takes some of it: TLS asks for that. */
    private string $piece = '';
    /** Whether the server has closed it, or the socket has failed. */
    private bool $isEnded = false;
    /** Whether all that was asked was answered. */
    private bool $isClean = true;
    /** Whether the system has just said that there is something to read. */
    private bool $isReadable = false;

    /**
     * @param array<string, mixed> $tls
     * @param int $padTo bytes up to which datagrams are filled with zeros, so that the server may answer three times as many
     * @param int $maxReply the longest reply that is taken, in bytes
     */
    public function __construct(
        public readonly Address $address,
        private readonly float $connectTimeout = 5.0,
        private readonly array $tls = [],
        #[\SensitiveParameter] private readonly ?string $token = null,
        private readonly int $padTo = 0,
        private readonly int $maxReply = 67_108_864,
        private readonly ?string $persistentId = null,
    ) {
        if ($token !== null && $address->transport === 'udp') {
            throw new \InvalidArgumentException('a token needs a connection, and UDP has none: use tcp, tls or unix');
        }
    }

    /**
     * The connection that stays open for later clients and, under a web server, for later requests of the same process.
     *
     * @param array<string, mixed> $tls
     */
    public static function persistent(
        Address $address,
        float $connectTimeout,
        array $tls,
        #[\SensitiveParameter] ?string $token,
        int $maxReply,
    ): self {
        if ($address->transport === 'udp' || $address->transport === 'unix') {
            throw new \InvalidArgumentException("persistent is for tcp and tls, not for $address->transport");
        }
        if (self::$persistent === []) {
            // What is left unanswered would come to the next request of this process.
            register_shutdown_function(static function (): void {
                foreach (self::$persistent as $connection) {
                    $connection->closeUnlessClean();
                }
            });
        }
        $id = hash('sha256', serialize([$tls, $token]));
        return self::$persistent["$address/$id"] ??= new self($address, $connectTimeout, $tls, $token, 0, $maxReply, $id);
    }

    public function __destruct()
    {
        if ($this->persistentId === null) {
            $this->close();
        }
    }

    public function close(): void
    {
        if ($this->stream !== null) {
            @fclose($this->stream);
        }
        $this->stream = null;
        $this->in = $this->out = $this->piece = '';
        $this->outAt = 0;
        $this->isEnded = $this->isLoggedIn = $this->isReadable = false;
        $this->isClean = true;
    }

    private function closeUnlessClean(): void
    {
        if (!$this->isClean || $this->in !== '' || !$this->isWritten()) {
            $this->close();
        }
    }

    /**
     * Makes sure that there is a connection, logged in where there is a token.
     *
     * @throws ConnectException where the server cannot be reached
     * @throws ReplyException where it refuses the token
     */
    public function open(): void
    {
        if ($this->stream !== null) {
            $this->discard();
        }
        if ($this->stream === null) {
            $this->connect();
            // One that another request of this process has left may have been closed by the server since.
            $this->discard();
            if ($this->stream === null) {
                $this->connect();
            }
        }
        if ($this->token !== null && !$this->isLoggedIn) {
            $this->login($this->token);
        }
    }

    /** Takes what came for nobody, such as answers to async requests; closes what the server has closed. */
    private function discard(): void
    {
        $this->receive();
        if ($this->isEnded) {
            $this->close();
        }
    }

    private function connect(): void
    {
        $isTls = $this->address->transport === 'tls';
        $ssl = [];
        if ($isTls) {
            $ssl = array_filter([
                'cafile' => $this->tls['ca'] ?? null,
                'peer_name' => $this->tls['peer_name'] ?? trim($this->address->host, '[]'),
                'local_cert' => $this->tls['cert'] ?? null,
                'local_pk' => $this->tls['key'] ?? null,
                'passphrase' => $this->tls['passphrase'] ?? null,
            ], static fn ($value) => $value !== null) + [
                'verify_peer' => $this->tls['verify'] ?? true,
                'verify_peer_name' => $this->tls['verify'] ?? true,
                'disable_compression' => true,
                'crypto_method' => STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT | STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT,
            ];
        }
        $url = (string) $this->address;
        $flags = STREAM_CLIENT_CONNECT;
        if ($this->persistentId !== null) {
            $flags |= STREAM_CLIENT_PERSISTENT;
            // PHP finds a persistent socket by its address alone; it reads nothing behind the port.
            $url .= "/$this->persistentId";
        }
        $reasons = [];
        set_error_handler(static function (int $level, string $message) use (&$reasons): bool {
            $reasons[] = preg_replace('/^stream_socket_client\(\): /', '', $message);
            return true;
        });
        try {
            $context = stream_context_create(['socket' => ['tcp_nodelay' => true], 'ssl' => $ssl]);
            $stream = stream_socket_client($url, $errno, $error, $this->connectTimeout, $flags, $context);
        } finally {
            restore_error_handler();
        }
        if ($stream === false) {
            // Of several warnings the first says why, the last only that it failed.
            $reason = $error !== '' && !$isTls ? $error : ($reasons[0] ?? $error);
            throw new ConnectException("$this->address cannot be reached: " . strtr(trim($reason), ["\n" => ' ']));
        }
        stream_set_blocking($stream, false);
        stream_set_chunk_size($stream, self::CHUNK);
        $this->stream = $stream;
    }

    private function login(#[\SensitiveParameter] string $token): void
    {
        $id = Wire::nextId();
        $request = Wire::request($id, self::LOGIN_PLUGIN, 1, Wire::SYNC, Wire::body('json', ['token' => $token]));
        $reply = null;
        $take = static function (Reply $came) use (&$reply): void {
            $reply = $came;
        };
        try {
            $this->run(new \ArrayIterator([$id => $request]), $take, self::now() + $this->connectTimeout);
        } catch (TransportException $error) {
            $this->close();
            throw new ConnectException("$this->address does not answer the login: {$error->getMessage()}");
        }
        if (!$reply->isOk()) {
            $this->close();
            throw ReplyException::of($reply, self::LOGIN_PLUGIN, 1);
        }
        $this->isLoggedIn = true;
    }

    /**
     * Refuses what is too long for a message of this transport. For the others only the server knows: its `max_frame`.
     *
     * @throws UnsendableException
     */
    public function checkLength(string $message): void
    {
        if ($this->address->transport === 'udp' && strlen($message) > self::MAX_DATAGRAM) {
            $length = strlen($message);
            throw new UnsendableException('a datagram has at most ' . self::MAX_DATAGRAM . " bytes, and this request $length: use tcp");
        }
    }

    /**
     * Sends each message, by its id, and hands each reply to $take as it comes.
     *
     * @param \Iterator<int, string> $messages
     * @param callable(Reply): void $take
     * @param ?float $deadline in the time of now(); null waits for ever
     * @param bool $waits false where no reply is to be waited for
     * @throws TransportException where a reply is missing
     */
    public function exchange(\Iterator $messages, callable $take, ?float $deadline, bool $waits = true): void
    {
        $this->open();
        $this->run($messages, $take, $deadline, $waits);
    }

    /** Seconds of a clock that nobody sets. */
    public static function now(): float
    {
        return hrtime(true) / 1e9;
    }

    /**
     * @param \Iterator<int, string> $messages
     * @param callable(Reply): void $take
     */
    private function run(\Iterator $messages, callable $take, ?float $deadline, bool $waits = true): void
    {
        $window = $this->address->transport === 'udp' ? self::DATAGRAM_WINDOW : self::WINDOW;
        $owed = [];
        $begun = 0;
        $isLast = false;
        // Whatever ends PHP in the midst of this leaves something owed.
        $wasClean = $this->isClean;
        $this->isClean = false;
        try {
            for (;;) {
                foreach ($this->receive() as $reply) {
                    if (isset($owed[$reply->id])) {
                        unset($owed[$reply->id]);
                        $take($reply);
                    }
                }
                while ($messages->valid() && count($owed) < $window && $this->hasRoom()) {
                    $this->append($messages->current());
                    $begun++;
                    if ($waits) {
                        $owed[$messages->key()] = true;
                    }
                    $messages->next();
                }
                $hasWritten = $this->write();
                // What is answered before it was written is one that the server does not want to the end.
                if ($owed === [] && !$messages->valid() && ($waits || $this->isWritten())) {
                    return;
                }
                if ($this->isEnded && !$isLast) {
                    // Where it could not write any more, there may be an answer that says why.
                    $isLast = true;
                    continue;
                }
                if ($this->isEnded) {
                    $what = $this->address->transport === 'udp' ? 'has nobody who listens' : 'closed the connection before it answered';
                    throw new LostException("$this->address $what", $this->isWritten() || $begun > 1);
                }
                if ((!$hasWritten || $this->isWritten()) && !$this->wait($deadline)) {
                    throw new TimeoutException("$this->address did not answer in time", $this->isWritten() || $begun > 1);
                }
            }
        } finally {
            $this->isClean = $wasClean && $waits && $owed === [];
            // In the midst of a message nothing else can be sent.
            if ($this->isEnded || !$this->isWritten()) {
                $this->close();
            }
        }
    }

    private function isWritten(): bool
    {
        return $this->piece === '' && $this->out === '';
    }

    private function hasRoom(): bool
    {
        return $this->address->transport === 'udp' ? $this->isWritten() : strlen($this->out) - $this->outAt < self::MAX_WAITING_BYTES;
    }

    private function append(string $message): void
    {
        if ($this->address->transport !== 'udp') {
            $this->out .= pack('N', strlen($message) + 4) . $message;
            return;
        }
        $this->piece = str_pad($message, $this->padTo, "\0");
    }

    /** Writes what the socket takes; whether that was anything. */
    private function write(): bool
    {
        if ($this->isWritten() || $this->stream === null || $this->isEnded) {
            return false;
        }
        if ($this->address->transport === 'udp') {
            return $this->writeDatagram();
        }
        if ($this->piece === '') {
            $this->piece = substr($this->out, $this->outAt, self::CHUNK);
            $this->outAt += strlen($this->piece);
            if ($this->outAt === strlen($this->out)) {
                $this->out = '';
                $this->outAt = 0;
            }
        }
        $count = @fwrite($this->stream, $this->piece);
        if ($count === false) {
            $this->isEnded = true;
            return false;
        }
        if ($count > 0) {
            $this->piece = substr($this->piece, $count);
        }
        return $count > 0;
    }

    /** A datagram waits for nothing but room in the system's buffer. */
    private function writeDatagram(): bool
    {
        stream_set_blocking($this->stream, true);
        $count = @stream_socket_sendto($this->stream, $this->piece);
        if ($count !== strlen($this->piece)) {
            // The system may tell now that an earlier datagram was refused: then this one has not gone.
            $count = @stream_socket_sendto($this->stream, $this->piece);
        }
        stream_set_blocking($this->stream, false);
        if ($count !== strlen($this->piece)) {
            $this->isEnded = true;
            return false;
        }
        $this->piece = '';
        return true;
    }

    /**
     * The replies that have come by now.
     *
     * @return list<Reply>
     */
    private function receive(): array
    {
        if ($this->stream === null) {
            return [];
        }
        $replies = [];
        if ($this->address->transport === 'udp') {
            // Bounded, so that a flood of datagrams does not keep this from looking at the time.
            for ($count = 0; $count < self::WINDOW; $count++) {
                $datagram = @stream_socket_recvfrom($this->stream, self::CHUNK);
                if ($datagram === false || $datagram === '') {
                    // Readable and nothing there: an error was, that nobody listens.
                    $this->isEnded = $this->isEnded || ($this->isReadable && $count === 0);
                    break;
                }
                $replies[] = $this->parse($datagram);
            }
            $this->isReadable = false;
            return $replies;
        }
        // TLS may hold bytes that the system no longer has: read until there are none.
        for ($count = 0; $count < self::WINDOW; $count++) {
            $piece = @fread($this->stream, self::CHUNK);
            if ($piece === false || $piece === '') {
                $this->isEnded = $this->isEnded || feof($this->stream);
                break;
            }
            $this->in .= $piece;
        }
        for ($at = 0; strlen($this->in) - $at >= 4; $at += $total) {
            $total = unpack('N', $this->in, $at)[1];
            if ($total < 12 || $total > $this->maxReply) {
                $this->close();
                throw new ProtocolException("$this->address sent a message of $total bytes: it is no mevent, or the reply is longer than max_reply ("
                    . "$this->maxReply)");
            }
            if (strlen($this->in) - $at < $total) {
                break;
            }
            $replies[] = $this->parse(substr($this->in, $at + 4, $total - 4));
        }
        if ($at > 0) {
            $this->in = substr($this->in, $at);
        }
        return $replies;
    }

    private function parse(string $message): Reply
    {
        try {
            return Wire::reply($message);
        } catch (ProtocolException $error) {
            $this->close();
            throw $error;
        }
    }

    /** Waits until the socket has something, or takes something that is to be written; false where the time is over. */
    private function wait(?float $deadline): bool
    {
        $left = $deadline === null ? 60.0 : $deadline - self::now();
        if ($left <= 0) {
            return false;
        }
        $read = [$this->stream];
        $write = $this->isWritten() ? [] : [$this->stream];
        $except = null;
        $micros = (int) ceil(min($left, 60.0) * 1e6);
        if (@stream_select($read, $write, $except, intdiv($micros, 1_000_000), $micros % 1_000_000) === false) {
            // A signal came, or the socket's number is beyond what select() takes: then this looks again every millisecond.
            usleep(1000);
            $read = [];
        }
        $this->isReadable = $read !== [];
        return true;
    }
}

/** A request for Client::callMany(). */
final class Call
{
    /** @param array<int|string, mixed>|object $params */
    public function __construct(
        public readonly string $plugin,
        public readonly int $command,
        public readonly array|object $params = [],
    ) {
    }
}

/** What new code uses: one server, one connection, which is opened with the first call. */
final class Client
{
    private const DEFAULTS = [
        'timeout' => 30.0,
        'connect_timeout' => 5.0,
        'encoding' => 'json',
        'token' => null,
        'token_file' => null,
        'tls' => [],
        'persistent' => false,
        'async_reply' => true,
        'pad_to' => 1200,
        'max_reply' => 67_108_864,
    ];
    private const RESULT_PLUGIN = 'Reserve.Result';
    private const TLS_KEYS = ['ca', 'peer_name', 'cert', 'key', 'passphrase', 'verify'];

    private readonly Connection $connection;
    private readonly float $timeout;
    private readonly string $encoding;
    private readonly bool $asyncReply;

    /**
     * @param string $address `tcp://host:port`, `tls://host:port`, `udp://host:port` or `unix:///path`
     * @param array<string, mixed> $options as README.md has them
     */
    public function __construct(string $address, array $options = [])
    {
        $place = Address::parse($address);
        self::refuseUnknown($options, array_keys(self::DEFAULTS), 'option');
        $tokenGiven = array_key_exists('token', $options);
        $options += self::DEFAULTS;
        self::refuseUnknown($options['tls'], self::TLS_KEYS, 'option of tls');
        if (!in_array($options['encoding'], ['json', 'hdf'], true)) {
            throw new \InvalidArgumentException("encoding is to be json or hdf, not \"{$options['encoding']}\"");
        }
        foreach (['timeout', 'connect_timeout'] as $key) {
            if (!is_numeric($options[$key]) || $options[$key] <= 0) {
                throw new \InvalidArgumentException("$key is to be a number of seconds above 0");
            }
        }
        $token = $options['token'];
        if ($options['token_file'] !== null) {
            $token = self::tokenIn($options['token_file']);
        } elseif (!$tokenGiven && $place->transport !== 'udp') {
            $token = getenv('MEVENT_TOKEN') ?: null;
        }
        $this->timeout = (float) $options['timeout'];
        $this->encoding = $options['encoding'];
        $this->asyncReply = $options['async_reply'];
        $connectTimeout = (float) $options['connect_timeout'];
        $this->connection = $options['persistent']
            ? Connection::persistent($place, $connectTimeout, $options['tls'], $token, $options['max_reply'])
            : new Connection($place, $connectTimeout, $options['tls'], $token, $options['pad_to'], $options['max_reply']);
    }

    /**
     * @param array<int|string, mixed> $options
     * @param list<string> $known
     */
    private static function refuseUnknown(array $options, array $known, string $what): void
    {
        foreach (array_diff(array_keys($options), $known) as $key) {
            throw new \InvalidArgumentException("there is no $what \"$key\": there are " . implode(', ', $known));
        }
    }

    private static function tokenIn(string $path): string
    {
        $token = @file_get_contents($path);
        if ($token === false || trim($token) === '') {
            throw new \InvalidArgumentException("token_file $path " . ($token === false ? 'cannot be read' : 'is empty'));
        }
        return trim($token);
    }

    /**
     * Waits for the operation and gives its result; null where the plugin gives none.
     *
     * @param array<int|string, mixed>|object $params names and values; an object, such as stdClass, is one also where it is empty
     * @param ?float $timeout seconds, in place of the client's
     * @throws ReplyException for an error of the server or the plugin, its class by the code
     * @throws TransportException where no reply came
     * @throws UnsendableException where the params cannot be sent
     */
    public function call(string $plugin, int $command, array|object $params = [], ?float $timeout = null): mixed
    {
        $reply = $this->request($plugin, $command, $params, $timeout);
        return $reply->isOk() ? $reply->result() : throw ReplyException::of($reply, $plugin, $command);
    }

    /**
     * The same, with the reply as it is: for codes of success above 1000, and who wants no exception for an error's code.
     *
     * @param array<int|string, mixed>|object $params
     * @throws TransportException where no reply came
     * @throws UnsendableException where the params cannot be sent
     */
    public function request(string $plugin, int $command, array|object $params = [], ?float $timeout = null): Reply
    {
        return $this->exchange(Wire::SYNC, $plugin, $command, $params, $timeout, true) ?? throw new \LogicException('no reply');
    }

    /**
     * Has the operation queued. Where the server answers async requests (it does, but for listeners with `async_reply = false`), this returns when
     * it is in the queue, and throws where it is not.
     *
     * @param array<int|string, mixed>|object $params
     * @throws ReplyException BusyException above all
     * @throws TransportException where no answer came
     * @throws UnsendableException where the params cannot be sent
     */
    public function enqueue(string $plugin, int $command, array|object $params = [], ?float $timeout = null): void
    {
        $reply = $this->exchange(0, $plugin, $command, $params, $timeout, $this->asyncReply);
        if ($reply !== null && !$reply->isOk()) {
            throw ReplyException::of($reply, $plugin, $command);
        }
    }

    /**
     * The same, and gives the operation's id, by which operation() tells what has become of it; null where the server tells none.
     *
     * @param array<int|string, mixed>|object $params
     * @throws ReplyException BusyException above all
     * @throws TransportException where no answer came
     * @throws UnsendableException where the params cannot be sent
     */
    public function submit(string $plugin, int $command, array|object $params = [], ?float $timeout = null): ?string
    {
        if (!$this->asyncReply) {
            throw new UnsendableException('with async_reply = false the server tells no id');
        }
        $reply = $this->exchange(Wire::ID, $plugin, $command, $params, $timeout, true) ?? throw new \LogicException('no reply');
        if (!$reply->isOk()) {
            throw ReplyException::of($reply, $plugin, $command);
        }
        return $reply->result()['id'] ?? null;
    }

    /**
     * What has become of an operation: `state` (`queued`, `running`, `done`, `failed`, …), `result` or `error`, and more.
     *
     * @param float $wait seconds to wait for its end, up to 60
     * @return array<string, mixed>
     * @throws CacheMissException where the server knows nothing of it, or not any more
     * @throws ReplyException
     * @throws TransportException
     */
    public function operation(string $id, float $wait = 0.0, ?float $timeout = null): array
    {
        return $this->call(self::RESULT_PLUGIN, 1, ['id' => $id, 'wait' => $wait], ($timeout ?? $this->timeout) + $wait);
    }

    /** @param array<int|string, mixed>|object $params */
    private function exchange(int $flags, string $plugin, int $command, array|object $params, ?float $timeout, bool $waits): ?Reply
    {
        $id = Wire::nextId();
        $message = $this->message($id, $flags, $plugin, $command, $params);
        $reply = null;
        $take = static function (Reply $came) use (&$reply): void {
            $reply = $came;
        };
        $this->connection->exchange(new \ArrayIterator([$id => $message]), $take, Connection::now() + ($timeout ?? $this->timeout), $waits);
        return $reply;
    }

    /**
     * Many sync calls over the one connection, without waiting for one before the next is sent. They are processed beside each other, in no order.
     *
     * @param iterable<array-key, Call> $calls
     * @param ?float $timeout for all of them together
     * @return array<array-key, mixed> for each call, under its key, its result, or the exception that call() would have thrown
     */
    public function callMany(iterable $calls, ?float $timeout = null): array
    {
        $results = [];
        /** @var array<int, array-key> $keys */
        $keys = [];
        $asked = [];
        $messages = (function () use ($calls, &$results, &$keys, &$asked): \Generator {
            foreach ($calls as $key => $call) {
                $results[$key] = null;
                $id = Wire::nextId();
                try {
                    $message = $this->message($id, Wire::SYNC, $call->plugin, $call->command, $call->params);
                } catch (UnsendableException $error) {
                    $results[$key] = $error;
                    continue;
                }
                $keys[$id] = $key;
                $asked[$id] = $call;
                yield $id => $message;
            }
        })();
        $take = static function (Reply $reply) use (&$results, &$keys, &$asked): void {
            ['plugin' => $plugin, 'command' => $command] = get_object_vars($asked[$reply->id]);
            try {
                $results[$keys[$reply->id]] = $reply->isOk() ? $reply->result() : ReplyException::of($reply, $plugin, $command);
            } catch (ProtocolException $error) {
                $results[$keys[$reply->id]] = $error;
            }
            unset($keys[$reply->id], $asked[$reply->id]);
        };
        $error = null;
        try {
            $this->connection->exchange($messages, $take, Connection::now() + ($timeout ?? $this->timeout));
        } catch (TransportException $error) {
            // Those that were answered keep their results.
        }
        foreach ($keys as $key) {
            $results[$key] = $error;
        }
        if ($error !== null) {
            $sent = count($keys);
            while ($messages->valid()) {
                $messages->next();
            }
            foreach (array_slice($keys, $sent) as $key) {
                $results[$key] = new LostException("never sent: {$error->getMessage()}", false);
            }
        }
        return $results;
    }

    /** Closes the connection; the next call opens it again. */
    public function close(): void
    {
        $this->connection->close();
    }

    /** @param array<int|string, mixed>|object $params */
    private function message(int $id, int $flags, string $plugin, int $command, array|object $params): string
    {
        if ($plugin === '') {
            throw new UnsendableException('the plugin has no name');
        }
        if ($command < 1 || $command > 65535) {
            throw new UnsendableException("a command is a number from 1 to 65535, not $command");
        }
        $message = Wire::request($id, $plugin, $command, $flags, Wire::body($this->encoding, $params));
        $this->connection->checkLength($message);
        return $message;
    }
}

/** A server of client.hdf, for one plugin. */
final class Server
{
    /** For how long nobody is sent to a dead one, in seconds, and after how many failures in a row it is one. */
    private const DEAD_SECONDS = 60.0;
    private const DEADLY_FAILURES = 19;

    /** @var array<string, array{int, float}> failures in a row and until when it is dead, of each plugin's servers: they outlive the handles */
    private static array $health = [];

    private readonly string $healthKey;

    /** @param ?float $timeout seconds that a reply is waited for; null is for ever, 0 not at all */
    public function __construct(string $plugin, public readonly Connection $connection, public readonly ?float $timeout)
    {
        $this->healthKey = "$plugin $connection->address";
    }

    public function isAlive(): bool
    {
        return (self::$health[$this->healthKey][1] ?? 0.0) <= Connection::now();
    }

    public function succeeded(): void
    {
        unset(self::$health[$this->healthKey]);
    }

    public function failed(): void
    {
        $failures = (self::$health[$this->healthKey][0] ?? 0) + 1;
        self::$health[$this->healthKey] = [$failures, $failures < self::DEADLY_FAILURES ? 0.0 : Connection::now() + self::DEAD_SECONDS];
    }

    /** It cannot be reached at all. */
    public function markDown(): void
    {
        self::$health[$this->healthKey] = [self::DEADLY_FAILURES, Connection::now() + self::DEAD_SECONDS];
    }
}

/** The servers of one plugin, in the order of the C client, so that a key finds the same one from both. */
final class ServerList
{
    private const DEFAULT_PORT = 26010;
    /** Those that the C client knows come first, as there. */
    private const ORDER = ['tcp' => 2, 'udp' => 3, 'tls' => 10, 'unix' => 11];
    private const CONNECT_SECONDS = 60.0;

    /** @param list<Server> $servers */
    private function __construct(public readonly array $servers)
    {
    }

    /**
     * @param HdfNode $config the plugin's block: a numbered block for each server
     * @throws HdfException where a server of it cannot be used
     */
    public static function of(string $plugin, HdfNode $config): self
    {
        $servers = [];
        foreach ($config->children as $number => $block) {
            $place = "$plugin.$number";
            $type = $block->value('type', '') ?? '';
            if (!isset(self::ORDER[$type])) {
                throw new HdfException("$place.type is \"$type\": it is to be tcp, udp, tls or unix");
            }
            $ip = $block->value('ip', '127.0.0.1') ?? '';
            $port = (int) ($block->value('port') ?? self::DEFAULT_PORT);
            $ipv4 = $type === 'unix' ? '' : gethostbyname($ip);
            try {
                $host = str_contains($ip, ':') ? "[$ip]" : $ip;
                $address = Address::parse($type === 'unix' ? 'unix://' . $block->value('path', '') : "$type://$host:$port");
                $servers[] = [
                    [self::ORDER[$type], self::asCompared($ipv4), ($port & 0xff) << 8 | $port >> 8],
                    new Server($plugin, self::connection($address, $block), self::timeout($block)),
                ];
            } catch (\InvalidArgumentException $error) {
                throw new HdfException("$place: {$error->getMessage()}");
            }
        }
        // The sort is stable: those that are equal stay in their order.
        usort($servers, static fn (array $one, array $other): int => $one[0] <=> $other[0]);
        return new self(array_column($servers, 1));
    }

    /** The C client compares addresses, and ports, as a little-endian machine reads their bytes. */
    private static function asCompared(string $ipv4): int
    {
        $packed = @inet_pton($ipv4);
        return $packed !== false && strlen($packed) === 4 ? unpack('V', $packed)[1] : PHP_INT_MAX;
    }

    private static function connection(Address $address, HdfNode $block): Connection
    {
        $tls = [];
        foreach (['ca', 'peer_name', 'cert', 'key'] as $key) {
            if ($block->value($key) !== null) {
                $tls[$key] = $block->value($key);
            }
        }
        $timeout = self::timeout($block);
        $connectTimeout = $timeout === null || $timeout <= 0 ? self::CONNECT_SECONDS : $timeout;
        return new Connection($address, $connectTimeout, $tls, $block->value('token'));
    }

    private static function timeout(HdfNode $block): ?float
    {
        if ($block->value('non_block') === 'yes') {
            return 0.0;
        }
        $seconds = (int) $block->value('net_timeout_s', '0') + (int) $block->value('net_timeout_u', '0') / 1e6;
        return $seconds > 0 ? $seconds : null;
    }

    /** The key's own server, or, where it is dead or the key is empty, any that lives; null where none does. */
    public function select(string $key): ?Server
    {
        $count = count($this->servers);
        $server = $this->servers[$key === '' ? random_int(0, $count - 1) : self::checksum($key) % $count];
        if ($server->isAlive()) {
            return $server;
        }
        $alive = array_filter($this->servers, static fn (Server $each): bool => $each->isAlive());
        return $alive === [] ? null : $alive[array_rand($alive)];
    }

    /** The checksum of the C client, as it is: it moves on by one byte where it takes two, so that the key's first half alone counts. */
    public static function checksum(string $key): int
    {
        $sum = 0;
        $at = 0;
        for ($left = strlen($key); $left > 1; $left -= 2) {
            $sum += ord($key[$at]) + 256 * ord($key[$at + 1]);
            $at++;
        }
        if ($left > 0) {
            $sum += ord($key[$at]);
        }
        while ($sum >> 16 !== 0) {
            $sum = ($sum & 0xffff) + ($sum >> 16);
        }
        return ~$sum & 0xffffffff;
    }
}

/**
 * What a resource of mevent_init_plugin() stands for: params that wait, servers, the last result. It is the wrapper of a stream, so that PHP
 * frees it.
 */
final class Handle
{
    private const PROTOCOL = 'mevent-handle';
    private const CONFIG = '/etc/mevent/client.hdf';

    /** @var array<string, HdfNode> by path: each is read once */
    private static array $configs = [];
    private static ?self $next = null;

    /** @var resource|null set by PHP */
    public $context = null;
    private string $plugin = '';
    private ?ServerList $list = null;
    private HdfNode $params;
    private HdfNode $result;

    /**
     * A resource for the plugin's servers in client.hdf.
     *
     * @return resource
     * @throws MeventException where none can be used
     */
    public static function create(string $plugin)
    {
        $path = getenv('MEVENT_CLIENT_CONFIG') ?: self::CONFIG;
        $config = self::$configs[$path] ??= HdfReader::file($path);
        $block = Hdf::isPath($plugin) ? $config->get($plugin) : null;
        if ($block === null || $block->children === []) {
            throw new HdfException("$path has no servers for \"$plugin\"");
        }
        $handle = new self();
        $handle->plugin = $plugin;
        $handle->list = ServerList::of($plugin, $block);
        $handle->connectOne();
        if (!in_array(self::PROTOCOL, stream_get_wrappers(), true)) {
            stream_wrapper_register(self::PROTOCOL, self::class);
        }
        self::$next = $handle;
        $resource = fopen(self::PROTOCOL . "://$plugin", 'r');
        return is_resource($resource) ? $resource : throw new HdfException('PHP opens no streams of a class here');
    }

    public function __construct()
    {
        $this->params = new HdfNode();
        $this->result = new HdfNode();
    }

    /** What the resource stands for; null, with a warning, where it is none of these, or freed. */
    public static function of(mixed $resource, string $function): ?self
    {
        $isStream = is_resource($resource) && get_resource_type($resource) === 'stream';
        $wrapper = $isStream ? (stream_get_meta_data($resource)['wrapper_data'] ?? null) : null;
        if ($wrapper instanceof self) {
            return $wrapper;
        }
        trigger_error("$function(): the first argument is no resource of mevent_init_plugin(), or it was freed", E_USER_WARNING);
        return null;
    }

    /** PHP makes an object of its own for each stream: it takes over what create() has made ready. */
    public function stream_open(string $path, string $mode, int $options, ?string &$opened): bool
    {
        $ready = self::$next;
        self::$next = null;
        if ($ready === null) {
            return false;
        }
        $this->plugin = $ready->plugin;
        $this->list = $ready->list;
        return true;
    }

    /** PHP asks each stream of a class for it. */
    public function stream_eof(): bool
    {
        return true;
    }

    public function stream_close(): void
    {
        foreach ($this->list?->servers ?? [] as $server) {
            $server->connection->close();
        }
        $this->list = null;
    }

    /** Where not one server can be reached, there is no handle, as in C; there, one that is down is enough. */
    private function connectOne(): void
    {
        $error = null;
        foreach ($this->list->servers as $server) {
            try {
                $server->connection->open();
                return;
            } catch (ConnectException $error) {
                $server->markDown();
            }
        }
        throw $error ?? new HdfException("there are no servers for \"$this->plugin\"");
    }

    public function set(string $key, string $value, ?string $type): bool
    {
        if (!Hdf::isPath($key)) {
            trigger_error("\"$key\" is no HDF name (letters, digits, _, and dots between levels): the param is left out", E_USER_WARNING);
            return false;
        }
        $this->params->set($key, $value, $type);
        return true;
    }

    /** @return array<int|string, mixed> */
    public function result(bool $typed): array
    {
        return Hdf::toExtensionArray($this->result, $typed);
    }

    /** Sends the params; gives the reply's code, 0 where there is none, 1000 for an async request. */
    public function trigger(string $key, int $command, int $flags): int
    {
        $body = Wire::hdfBody(Hdf::write($this->params, false));
        $isSync = ($flags & Wire::SYNC) !== 0;
        try {
            $server = $this->reachable($key);
            if ($server === null) {
                return 0;
            }
            $id = Wire::nextId();
            $message = Wire::request($id, $this->plugin, $command, $flags, $body);
            $server->connection->checkLength($message);
        } catch (ReplyException $error) {
            return $this->received($error->reply);
        } catch (UnsendableException $error) {
            trigger_error("mevent_trigger(): {$error->getMessage()}", E_USER_WARNING);
            return 0;
        }
        $reply = null;
        $take = static function (Reply $came) use (&$reply): void {
            $reply = $came;
        };
        $deadline = $server->timeout === null ? null : Connection::now() + $server->timeout;
        try {
            $server->connection->exchange(new \ArrayIterator([$id => $message]), $take, $isSync ? $deadline : self::sendBy($deadline), $isSync);
        } catch (TransportException $error) {
            $server->failed();
            if ($error->sent) {
                $this->params = new HdfNode();
                $this->result = new HdfNode();
                $this->result->set('Output.errmsg', 'mevent died');
            }
            return 0;
        }
        if ($reply === null) {
            $this->params = new HdfNode();
            $this->result = new HdfNode();
            return Code::OK;
        }
        $reply->code === Code::FAILED ? $server->failed() : $server->succeeded();
        return $this->received($reply);
    }

    private function received(Reply $reply): int
    {
        $this->params = new HdfNode();
        $this->result = $reply->encoding === 'hdf' ? HdfReader::asFarAsReadable($reply->text) : new HdfNode();
        return $reply->code;
    }

    /** The key's server, connected; where it cannot be reached nothing was sent yet, so another one takes its place. */
    private function reachable(string $key): ?Server
    {
        for ($tries = count($this->list->servers); $tries > 0; $tries--) {
            $server = $this->list->select($key);
            if ($server === null) {
                return null;
            }
            try {
                $server->connection->open();
                return $server;
            } catch (ConnectException) {
                $server->markDown();
            }
        }
        return null;
    }

    /** An async request waits only for room in the socket: for a second where the config says to wait for nothing. */
    private static function sendBy(?float $deadline): ?float
    {
        return $deadline === null ? null : max($deadline, Connection::now() + 1.0);
    }

    /** The number that PHP 5 takes a value for; null, with a warning, where it is none. */
    public static function number(mixed $value, string $function, string $argument): int|float|null
    {
        if (is_int($value) || is_float($value)) {
            return $value;
        }
        if (is_bool($value) || $value === null) {
            return (int) $value;
        }
        if (is_string($value) && preg_match('/^\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?/i', $value, $found) === 1) {
            if (trim($value) !== trim($found[0])) {
                trigger_error("$function(): $argument is \"$value\", of which the number counts", E_USER_NOTICE);
            }
            return trim($found[0]) + 0;
        }
        trigger_error("$function(): $argument is to be a number, not " . (is_string($value) ? "\"$value\"" : get_debug_type($value)), E_USER_WARNING);
        return null;
    }

    /** The same as a whole number: what is behind the point is cut off. */
    public static function whole(mixed $value, string $function, string $argument): ?int
    {
        $number = self::number($value, $function, $argument);
        if (is_float($number) && !($number >= -9223372036854775808.0 && $number < 9223372036854775808.0)) {
            trigger_error("$function(): $argument has more than 64 bits", E_USER_WARNING);
            return null;
        }
        return $number === null ? null : (int) $number;
    }

    /** The text that PHP 5 takes a value for, up to a NUL; null, with a warning, where it is none. */
    public static function text(mixed $value, string $function, string $argument): ?string
    {
        if (!is_scalar($value) && $value !== null && !$value instanceof \Stringable) {
            trigger_error("$function(): $argument is to be a text, not " . get_debug_type($value), E_USER_WARNING);
            return null;
        }
        $text = (string) $value;
        $nul = strpos($text, "\0");
        return $nul === false ? $text : substr($text, 0, $nul);
    }

    /** `%f` of C, whatever the locale. */
    public static function float(float $value): string
    {
        return is_finite($value) ? sprintf('%F', $value) : (is_nan($value) ? 'nan' : ($value < 0 ? '-inf' : 'inf'));
    }

    /** @return resource|int */
    public static function init(mixed $plugin, string $function, string $otherwise)
    {
        $name = self::text($plugin, $function, 'the plugin');
        if ($name === null) {
            return -1;
        }
        try {
            return self::create($name === '' ? $otherwise : $name);
        } catch (MeventException | \InvalidArgumentException $error) {
            trigger_error("$function(): {$error->getMessage()}", E_USER_WARNING);
            return -1;
        }
    }

    public static function add(mixed $resource, mixed $key, ?string $value, ?string $type, string $function): ?int
    {
        $name = self::text($key, $function, 'the key');
        $handle = self::of($resource, $function);
        if ($name === null || $value === null || $handle === null) {
            return null;
        }
        return $handle->set($name, $value, $type) ? 0 : -1;
    }

    public static function send(mixed $resource, mixed $key, mixed $command, mixed $flags, string $function): ?int
    {
        $handle = self::of($resource, $function);
        $name = self::text($key, $function, 'the key');
        $number = self::whole($command, $function, 'the command');
        $bits = self::whole($flags, $function, 'flags');
        if ($handle === null || $name === null || $number === null || $bits === null) {
            return null;
        }
        if ($number < 0 || $number > 65535 || $bits < 0 || $bits > 65535) {
            trigger_error("$function(): command and flags are numbers up to 65535", E_USER_WARNING);
            return 0;
        }
        return $handle->trigger($name, $number, $bits);
    }

    public static function free(mixed $resource, string $function): bool|int
    {
        if (self::of($resource, $function) === null) {
            return -1;
        }
        fclose($resource);
        return true;
    }

    /** @return array<string, mixed> */
    public static function decode(string $packet): array
    {
        $decoded = [];
        $length = strlen($packet);
        if ($length < 12) {
            return ['code' => 0];
        }
        ['id' => $id, 'command' => $command, 'size' => $size] = unpack('Nid/ncommand/nflags/Nsize', $packet);
        $decoded['request_id'] = $id & 0x0fffffff;
        $at = 12 + $size;
        if ($length >= $at + 8 && unpack('N', $packet, $at)[1] === 3 && substr($packet, $at + 8, 4) === 'root') {
            $at += 8 + unpack('N', $packet, $at + 4)[1];
            $bytes = $length < $at + 4 ? PHP_INT_MAX : unpack('N', $packet, $at)[1];
            if ($bytes <= $length - $at - 4) {
                $text = explode("\0", substr($packet, $at + 4, $bytes), 2)[0];
                $decoded['request_command'] = $command;
                $decoded['plugin_name'] = substr($packet, 12, $size);
                $decoded['hdf'] = Hdf::toExtensionArray(HdfReader::asFarAsReadable($text));
                return $decoded + ['code' => Code::OK];
            }
        }
        return $decoded + ['code' => 0];
    }

    public static function reply(mixed $reply): string
    {
        if (!is_array($reply)) {
            trigger_error('mevent_reply(): the first argument is to be an array, not ' . get_debug_type($reply), E_USER_WARNING);
            return '';
        }
        if (!array_key_exists('request_id', $reply)) {
            return '';
        }
        $id = self::whole($reply['request_id'], 'mevent_reply', 'request_id') ?? 0;
        $code = self::whole($reply['code'] ?? 0, 'mevent_reply', 'code') ?? 0;
        $root = new HdfNode();
        if (is_array($reply['hdf'] ?? null)) {
            self::fill($root, $reply['hdf']);
        }
        $text = Hdf::write($root, false);
        return pack('NNN', $id, $code, 28 + strlen($text)) . pack('NN', 3, 4) . 'root' . pack('N', strlen($text)) . $text;
    }

    /** @param array<int|string, mixed> $values */
    private static function fill(HdfNode $parent, array $values): void
    {
        foreach ($values as $key => $value) {
            $type = match (true) {
                is_int($value) => Hdf::INT,
                is_float($value) => Hdf::FLOAT,
                is_string($value) => Hdf::STRING,
                is_array($value) => array_filter(array_keys($value), is_int(...)) === [] ? Hdf::OBJECT : Hdf::LIST,
                default => null,
            };
            if ($type === null) {
                continue;
            }
            if (!Hdf::isPath((string) $key)) {
                trigger_error("mevent_reply(): \"$key\" is no HDF name: it is left out", E_USER_WARNING);
                continue;
            }
            $node = $parent;
            foreach (explode('.', (string) $key) as $name) {
                $node = $node->children[$name] ??= new HdfNode();
            }
            $node->type = $type;
            if (is_array($value)) {
                self::fill($node, $value);
            } else {
                $node->value = is_float($value) ? self::float($value) : self::text($value, 'mevent_reply', (string) $key);
            }
        }
    }
}

}

namespace {

use Mevent\Handle;
use Mevent\Hdf;

if (!function_exists('mevent_init_plugin')) {
    /** @return resource|int a resource for the plugin's servers in client.hdf; -1 where none can be used */
    function mevent_init_plugin(mixed $ename): mixed
    {
        return Handle::init($ename, __FUNCTION__, 'skeleton');
    }

    /** @param resource $mevent */
    function mevent_add_str(mixed $mevent, mixed $key, mixed $value): ?int
    {
        return Handle::add($mevent, $key, Handle::text($value, __FUNCTION__, 'the value'), Hdf::STRING, __FUNCTION__);
    }

    /** @param resource $mevent */
    function mevent_add_int(mixed $mevent, mixed $key, mixed $value): ?int
    {
        $number = Handle::whole($value, __FUNCTION__, 'the value');
        return Handle::add($mevent, $key, $number === null ? null : (string) $number, Hdf::INT, __FUNCTION__);
    }

    /** @param resource $mevent */
    function mevent_add_bool(mixed $mevent, mixed $key, mixed $value): ?int
    {
        $number = Handle::whole($value, __FUNCTION__, 'the value');
        return Handle::add($mevent, $key, $number === null ? null : (string) $number, Hdf::BOOL, __FUNCTION__);
    }

    /** @param resource $mevent */
    function mevent_add_float(mixed $mevent, mixed $key, mixed $value): ?int
    {
        $number = Handle::number($value, __FUNCTION__, 'the value');
        return Handle::add($mevent, $key, $number === null ? null : Handle::float((float) $number), Hdf::FLOAT, __FUNCTION__);
    }

    /**
     * Sends the params. $flags is 2 to wait for the result, 0 not to.
     *
     * @param resource $mevent
     * @return ?int the reply's code, 0 where there is none
     */
    function mevent_trigger(mixed $mevent, mixed $key, mixed $cmd, mixed $flags): ?int
    {
        return Handle::send($mevent, $key, $cmd, $flags, __FUNCTION__);
    }

    /**
     * What came with the last reply.
     *
     * @param resource $mevent
     * @return ?array<int|string, mixed>
     */
    function mevent_result(mixed $mevent): ?array
    {
        return Handle::of($mevent, __FUNCTION__)?->result(true);
    }

    /** @param resource $mevent */
    function mevent_free(mixed $mevent): bool|int
    {
        return Handle::free($mevent, __FUNCTION__);
    }

    /**
     * Reads a request as it comes over UDP.
     *
     * @return array<string, mixed> request_id, request_command, plugin_name, hdf, and code: 1000, or 0 where it is none
     */
    function mevent_decode(mixed $packet): array
    {
        return Handle::decode((string) $packet);
    }

    /** Writes a reply for UDP, of `request_id`, `code` and `hdf`. */
    function mevent_reply(mixed $reply): string
    {
        return Handle::reply($reply);
    }
}

if (!function_exists('nevent_init_plugin')) {
    /** The extension before: it knows no types, neither in params nor in results. */
    function nevent_init_plugin(mixed $ename): mixed
    {
        return Handle::init($ename, __FUNCTION__, 'skeleton2');
    }

    /** @param resource $nevent */
    function nevent_add_str(mixed $nevent, mixed $key, mixed $value): ?int
    {
        return Handle::add($nevent, $key, Handle::text($value, __FUNCTION__, 'the value'), null, __FUNCTION__);
    }

    /** @param resource $nevent */
    function nevent_add_u32(mixed $nevent, mixed $key, mixed $value): ?int
    {
        $number = Handle::whole($value, __FUNCTION__, 'the value');
        return Handle::add($nevent, $key, $number === null ? null : (string) $number, null, __FUNCTION__);
    }

    /** @param resource $nevent */
    function nevent_trigger(mixed $nevent, mixed $key, mixed $cmd, mixed $flags): ?int
    {
        return Handle::send($nevent, $key, $cmd, $flags, __FUNCTION__);
    }

    /**
     * @param resource $nevent
     * @return ?array<int|string, mixed>
     */
    function nevent_result(mixed $nevent): ?array
    {
        return Handle::of($nevent, __FUNCTION__)?->result(false);
    }

    /** @param resource $nevent */
    function nevent_free(mixed $nevent): bool|int
    {
        return Handle::free($nevent, __FUNCTION__);
    }
}

}
