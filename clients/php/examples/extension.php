<?php
/** Code as it was written for the PHP extension. Run it with: MEVENT_CLIENT_CONFIG=client.hdf php -d auto_prepend_file=../mevent.php extension.php */
$m = mevent_init_plugin('skeleton');
mevent_add_str($m, 'cachekey', 'greeting');
mevent_add_str($m, 'cacheval', 'hello');
echo mevent_trigger($m, '', 101, 2), "\n";

mevent_add_str($m, 'cachekey', 'greeting');
echo mevent_trigger($m, '', 100, 2), "\n";
print_r(mevent_result($m));
mevent_free($m);
