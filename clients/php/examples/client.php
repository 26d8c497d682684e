<?php
/** Asks the built-in plugin `echo` in the ways there are. Run it with: php client.php tcp://127.0.0.1:26000 */
require __DIR__ . '/../mevent.php';

$client = new Mevent\Client($argv[1] ?? 'tcp://127.0.0.1:26000', ['timeout' => 5]);

// Waits for the result.
$result = $client->call('echo', 1001, ['uid' => 7, 'name' => 'Zoë']);
echo "result: {$result['name']}, {$result['uid']}\n";

// Waits until it is queued.
$client->enqueue('echo', 1001, ['uid' => 8]);
echo "queued\n";

// An error is an exception by its code.
try {
    $client->call('echo', 1999);
} catch (Mevent\UnknownException $error) {
    echo "{$error->getCode()}: {$error->getMessage()}\n";
}

// Many at once.
$calls = [];
foreach (range(1, 3) as $number) {
    $calls[$number] = new Mevent\Call('echo', 1001, ['square' => $number ** 2]);
}
foreach ($client->callMany($calls) as $number => $result) {
    echo "$number: ", $result instanceof Mevent\MeventException ? $result->getMessage() : $result['square'], "\n";
}
