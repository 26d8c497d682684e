<?php
// A page as it was written for the PHP extension: it requires nothing.
$m = mevent_init_plugin('shop');
mevent_add_str($m, 'dns', 'mevent.example');
mevent_add_int($m, 'query.integral', '0');
$code = mevent_trigger($m, "", 1003, 2);
$result = mevent_result($m);
mevent_free($m);
echo $code, ' ';
print_r($result);
