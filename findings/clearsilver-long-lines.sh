#!/bin/sh
# ClearSilver's reader of HDF takes a line of a multi-line value in pieces and looks for the terminator at the start of each
# piece. The terminator in the middle of a long line, which is not a line of its own, then ends the value there.
#
# Seen with clearsilver-dev 0.10.5-4+b5 (Debian 12): where 127 bytes stand before the word in its line, the value ends after
# them, and the line that was to end it is an error of its own; with 126 or 128 bytes the value is whole. Who writes HDF
# picks a terminator that no word of the value ends in, not only one that is no line of it. Needs cc, zlib1g-dev and Debian 12.
set -eu
version=0.10.5-4+b5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq "clearsilver-dev=$version" 2>/dev/null
dpkg -x clearsilver-dev_*.deb .
cat > read.c <<'C'
#include <ClearSilver.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
    int before;
    for (before = 126; before <= 128; before++) {
        char text[512], line[256];
        HDF *tree = NULL;
        memset(line, 'x', sizeof line);
        strcpy(line + before, "EOM tail\n");
        sprintf(text, "a << EOM\n%sEOM\n", line);
        hdf_init(&tree);
        NEOERR *error = hdf_read_string(tree, text);
        printf("%d before EOM: %zu of %zu bytes, %s\n", before, strlen(hdf_get_value(tree, "a", "")), strlen(line),
               error == NULL ? "no error" : "error");
        nerr_ignore(&error);
        hdf_destroy(&tree);
    }
    return 0;
}
C
cc -D_GNU_SOURCE -w -Iusr/include/ClearSilver read.c -o read -Lusr/lib/x86_64-linux-gnu -lneo_utl -lz
./read | tee seen
cat > wanted <<'TEXT'
126 before EOM: 135 of 135 bytes, no error
127 before EOM: 127 of 136 bytes, error
128 before EOM: 137 of 137 bytes, no error
TEXT
cmp seen wanted
