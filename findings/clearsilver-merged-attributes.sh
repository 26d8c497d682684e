#!/bin/sh
# A name that stands twice in HDF text has both lines' attributes in ClearSilver, and whether the second line changes one that
# was there already goes by its place: as the first attribute it is replaced, behind a new one it is dropped without a word.
#
# Seen with clearsilver-dev 0.10.5-4+b5 (Debian 12): after u [type=102], the line u [type=100, x=1] gives type 100, the line
# u [x=1, type=100] leaves type 102. Who writes HDF writes each name once, or the type first. Needs cc, zlib1g-dev and
# Debian 12.
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
int main(int count, char **texts)
{
    int i;
    for (i = 1; i < count; i++) {
        HDF *tree = NULL;
        HDF_ATTR *attribute;
        hdf_init(&tree);
        NEOERR *error = hdf_read_string(tree, texts[i]);
        nerr_ignore(&error);
        fputs("u:", stdout);
        for (attribute = hdf_get_attr(tree, "u"); attribute != NULL; attribute = attribute->next) {
            printf(" %s=%s", attribute->key, attribute->value);
        }
        puts("");
        hdf_destroy(&tree);
    }
    return 0;
}
C
cc -D_GNU_SOURCE -w -Iusr/include/ClearSilver read.c -o read -Lusr/lib/x86_64-linux-gnu -lneo_utl -lz
first='u [type=102] = 5
'
./read "${first}u [type=100] = x" "${first}u [type=100, x=1] = x" "${first}u [x=1, type=100] = x" "${first}u [y=1] = x" | tee seen
cat > wanted <<'TEXT'
u: type=100
u: type=100 x=1
u: type=102 x=1
u: type=102 y=1
TEXT
cmp seen wanted
