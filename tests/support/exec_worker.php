<?php // A child with the habits of PHP's workers, for the tests of the exec plugin.
ini_set('display_errors', '1');
ini_set('html_errors', '0');

function say(array $message, int $flags = 0): void
{
    fwrite(STDOUT, json_encode($message, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR | $flags) . "\n");
}

say(['ready' => true]);
$jobs = (int) ($argv[1] ?? 0);
while (($line = fgets(STDIN)) !== false) {
    ['id' => $id, 'name' => $name, 'params' => $params] = json_decode($line, true, 512, JSON_THROW_ON_ERROR) + ['id' => 0, 'name' => '', 'params' => []];
    $answer = ['id' => $id, 'result' => ['params' => $params]];
    switch ($name) {
        case 'echo':
            say($answer);
            break;
        case 'warn':
            echo $params['missing'];
            say($answer);
            break;
        case 'print':
            echo 'mail sent';
            say($answer);
            break;
        case 'pretty':
            say($answer, JSON_PRETTY_PRINT);
            break;
        case 'twice':
            say([json_encode($answer)]);
            break;
        case 'dump':
            var_export(['id' => $id, 'result' => true]);
            echo "\n";
            break;
        case 'background':
            exec('sleep 1000 > /dev/null 2>&1 &');
            say(['id' => $id, 'result' => ['pid' => getmypid()]]);
            break;
    }
    if (--$jobs === 0) {
        exit(0);
    }
}
