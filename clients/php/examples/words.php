<?php
/** A program for the plugin exec: command = ["php", "words.php"], permissions = { run = ["php"] } */
require __DIR__ . '/../worker.php';

use Mevent\Failure;

(new Mevent\Worker())
    ->on(1001, function (array $params): array {
        $text = $params['text'] ?? throw new Failure('give a text', 40, retry: false);
        return ['words' => str_word_count($text)];
    })
    ->on(1002, fn (array $params): array => ['text' => strtoupper($params['text'])])
    ->run();
