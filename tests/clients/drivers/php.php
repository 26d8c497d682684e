<?php // As curl.sh says.
while (($line = fgets(STDIN)) !== false) {
    [$method, $path, $body, $token, $out] = explode("\t", rtrim($line, "\n"));
    [$path, $wish] = explode('#', "$path#");
    $headers = $body === '-' ? [] : ['content-type: application/json'];
    if ($token !== '-') $headers[] = "authorization: Bearer $token";
    if ($wish === 'async') $headers[] = 'prefer: respond-async';
    $options = ['method' => $method, 'header' => $headers, 'ignore_errors' => true];
    if ($body !== '-') $options['content'] = file_get_contents($body);
    $content = file_get_contents($argv[1] . $path, false, stream_context_create(['http' => $options]));
    file_put_contents($out, $content);
    $location = '-';
    foreach ($http_response_header as $header) {
        if (preg_match('/^location: *(.*)$/i', $header, $found)) $location = $found[1];
    }
    echo explode(' ', $http_response_header[0])[1], "\t", $location, "\n";
}
