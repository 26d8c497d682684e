<?php
/**
 * A program for mevent's plugin `exec`, in PHP 8.1 and later:
 *
 *     require 'worker.php';
 *     (new Mevent\Worker())->on(1001, fn (array $params) => ['words' => str_word_count($params['text'])])->run();
 *
 * License: MIT.
 */
declare(strict_types=1);

namespace Mevent;

/** An operation's error with a code of its own; any other exception is answered 14. */
final class Failure extends \RuntimeException
{
    /**
     * @param int $code 25 to 999, or 14
     * @param ?bool $retry whether it may be tried again; null leaves that to the plugin's config
     * @param ?float $retryAfter seconds until then
     */
    public function __construct(string $message, int $code = 14, public readonly ?bool $retry = null, public readonly ?float $retryAfter = null)
    {
        if ($code !== 14 && ($code < 25 || $code > 999)) {
            throw new \InvalidArgumentException("an error's code is 14, or from 25 to 999, not $code");
        }
        parent::__construct($message, $code);
    }
}

/** A success with a code of its own. */
final class Success
{
    /** @param int $code 1000 or more */
    public function __construct(public readonly int $code, public readonly mixed $result = null)
    {
        if ($code < 1000) {
            throw new \InvalidArgumentException("a success has a code from 1000 on, not $code");
        }
    }
}

/** What is known of the operation that runs. */
final class Operation
{
    public function __construct(
        public readonly int $command,
        /** The command's name in the config. */
        public readonly string $name,
        /** What no other operation has, the same in all attempts of this one. */
        public readonly string $id,
        /** Whether a caller waits for the result. */
        public readonly bool $isSync,
        /** When its time is over, in seconds since 1970; null where there is no limit. */
        public readonly ?float $deadline,
    ) {
    }

    /** Seconds that are left; INF where there is no limit. */
    public function left(): float
    {
        return $this->deadline === null ? INF : $this->deadline - microtime(true);
    }
}

/**
 * Reads operations from stdin and answers them on stdout, until stdin ends.
 *
 * What PHP prints, as warnings with `display_errors` and `echo` do, goes to stderr, where mevent logs it: stdout is for answers. An exception fails
 * its operation alone. A fatal error, or `exit` within a command, ends the program: the operation fails with 14, the log has the reason, and mevent
 * starts the next program.
 */
final class Worker
{
    private const JSON = JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION;

    /** @var array<int, callable(array<string, mixed>, Operation): mixed> */
    private array $commands = [];
    /** @var list<array<string, mixed>> operations that have come and are not begun */
    private array $waiting = [];
    /** @var array<int, true> ids among them that were cancelled */
    private array $cancelled = [];
    /** The command that runs. */
    private ?int $running = null;
    /** Output buffers, the one of run() included. */
    private int $level = 0;
    /** @var resource */
    private $in;
    /** @var resource */
    private $out;

    public function __construct()
    {
        $this->in = \STDIN;
        $this->out = \STDOUT;
    }

    /**
     * What a command does. Its result is an array with names, or null for none; callers in JSON can be given any value.
     *
     * @param callable(array<string, mixed>, Operation): mixed $run
     */
    public function on(int $command, callable $run): self
    {
        if ($command < 1001 || $command > 65535) {
            throw new \InvalidArgumentException("a command is a number from 1001 to 65535, not $command");
        }
        $this->commands[$command] = $run;
        return $this;
    }

    /** Adds to a counter that `mevent stats` shows. */
    public function count(string $name, int $by = 1): void
    {
        $this->say(['stats' => ['count' => [$name => $by]]]);
    }

    /** Sets a gauge that `mevent stats` shows. */
    public function gauge(string $name, int|float $value): void
    {
        $this->say(['stats' => ['gauge' => [$name => $value]]]);
    }

    /**
     * A line of mevent's log.
     *
     * @param string $level debug, info, warn or error
     * @param array<string, mixed> $fields
     */
    public function log(string $level, string $message, array $fields = []): void
    {
        $this->say(['log' => ['level' => $level, 'message' => $message] + ($fields === [] ? [] : ['fields' => $fields])]);
    }

    /** Says that it is ready, and works until stdin ends. */
    public function run(): void
    {
        ini_set('display_errors', 'stderr');
        ini_set('html_errors', '0');
        ini_set('serialize_precision', '-1');
        ob_start(static function (string $text): string {
            fwrite(\STDERR, $text);
            return '';
        }, 1);
        $this->level = ob_get_level();
        if (function_exists('pcntl_signal')) {
            // Where TERM goes to all processes at once, the server works off its queue first, and closes stdin then.
            pcntl_signal(SIGTERM, SIG_IGN);
        }
        register_shutdown_function(function (): void {
            $this->tellEnd();
        });
        $this->say(['ready' => true]);
        while (($operation = $this->next()) !== null) {
            $this->work($operation);
        }
    }

    /**
     * The next operation; null at the end of stdin.
     *
     * @return ?array<string, mixed>
     */
    private function next(): ?array
    {
        // What has come already is looked through for cancellations before anything else is begun.
        while ($this->waiting === [] || $this->isReadable()) {
            $line = fgets($this->in);
            if ($line === false) {
                break;
            }
            $this->take($line);
        }
        return array_shift($this->waiting);
    }

    private function isReadable(): bool
    {
        $read = [$this->in];
        $none = null;
        return !feof($this->in) && @stream_select($read, $none, $none, 0) === 1;
    }

    private function take(string $line): void
    {
        try {
            $message = json_decode($line, true, 512, JSON_THROW_ON_ERROR | JSON_BIGINT_AS_STRING);
        } catch (\JsonException $error) {
            fwrite(\STDERR, "a line from mevent cannot be read: {$error->getMessage()}\n");
            return;
        }
        if (isset($message['cancel'])) {
            foreach ($this->waiting as $operation) {
                if ($operation['id'] === $message['cancel']) {
                    $this->cancelled[$operation['id']] = true;
                }
            }
            return;
        }
        $this->waiting[] = $message;
    }

    /** @param array<string, mixed> $message */
    private function work(array $message): void
    {
        $id = $message['id'];
        if (isset($this->cancelled[$id])) {
            unset($this->cancelled[$id]);
            $this->fail($id, new Failure('it was cancelled before it was begun'));
            return;
        }
        $command = $message['command'];
        $run = $this->commands[$command] ?? null;
        $deadline = isset($message['deadline']) ? $message['deadline'] / 1000 : null;
        $operation = new Operation($command, $message['name'] ?? '', $message['operation'] ?? '', $message['sync'] ?? false, $deadline);
        $this->running = $command;
        try {
            if ($run === null) {
                throw new Failure("this program has no command $command: give it one with on($command, …)", retry: false);
            }
            $this->succeed($id, $run($message['params'] ?? [], $operation));
        } catch (\Throwable $error) {
            $this->fail($id, $error);
        }
        $this->running = null;
        // What a command has left in a buffer of its own is not for the next one.
        while (ob_get_level() > $this->level) {
            ob_end_flush();
        }
    }

    private function succeed(int $id, mixed $result): void
    {
        $code = [];
        if ($result instanceof Success) {
            $code = ['code' => $result->code];
            $result = $result->result;
        }
        try {
            $this->say(['id' => $id] + $code + ['result' => $result]);
        } catch (\JsonException $error) {
            // The work was done: trying again would do it twice.
            $this->fail($id, new Failure("the result cannot be written as JSON: {$error->getMessage()}", retry: false));
        }
    }

    private function fail(int $id, \Throwable $error): void
    {
        $what = $error instanceof Failure ? $error->getMessage() : get_debug_type($error) . ": {$error->getMessage()}";
        $fields = ['message' => $what === '' ? 'it failed without a message' : $what];
        if ($error instanceof Failure) {
            $fields['code'] = $error->getCode();
            $fields += array_filter(['retry' => $error->retry, 'retry_after' => $error->retryAfter], static fn ($value) => $value !== null);
        } else {
            fwrite(\STDERR, "$what in {$error->getFile()}, line {$error->getLine()}\n");
        }
        $this->say(['id' => $id, 'error' => $fields], JSON_INVALID_UTF8_SUBSTITUTE);
    }

    /**
     * Says on stderr what ended the program in the midst of an operation. It is not answered here: an answer would bring the next operation to a
     * program that is about to be gone.
     */
    private function tellEnd(): void
    {
        if ($this->running === null) {
            return;
        }
        $error = error_get_last();
        $isFatal = $error !== null && ($error['type'] & (E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR)) !== 0;
        $why = $isFatal ? "a fatal error: {$error['message']} in {$error['file']}, line {$error['line']}" : 'exit';
        fwrite(\STDERR, "command $this->running ended the program by $why\n");
    }

    /** @param array<string, mixed> $message */
    private function say(array $message, int $flags = 0): void
    {
        $line = json_encode($message, self::JSON | $flags) . "\n";
        for ($at = 0; $at < strlen($line); $at += $count) {
            $count = fwrite($this->out, $at === 0 ? $line : substr($line, $at));
            if ($count === false || $count === 0) {
                // Nobody reads any more: the server is gone.
                exit(1);
            }
        }
        fflush($this->out);
    }
}
