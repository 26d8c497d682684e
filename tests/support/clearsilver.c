/*
 * Reads HDF texts, each ended by a NUL, from stdin with ClearSilver itself, and prints each one's tree:
 *
 *   text | error            whether hdf_read_string took all of it
 *   DEPTH NAME TYPE VALUE   a node a line; TYPE and VALUE in hex behind a "=", or "-" where there is none
 *   .                       its end
 */
#include <ClearSilver.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_hex(const char *text)
{
    if (text == NULL) {
        fputs(" -", stdout);
        return;
    }
    fputs(" =", stdout);
    for (; *text != '\0'; text++) printf("%02x", (unsigned char)*text);
}

static void print_nodes(HDF *node, int depth)
{
    for (; node != NULL; node = hdf_obj_next(node)) {
        const char *type = NULL;
        HDF_ATTR *attribute;
        for (attribute = hdf_obj_attr(node); attribute != NULL; attribute = attribute->next) {
            if (type == NULL && strcmp(attribute->key, "type") == 0) type = attribute->value;
        }
        printf("%d %s", depth, hdf_obj_name(node));
        print_hex(type);
        print_hex(hdf_obj_value(node));
        putchar('\n');
        print_nodes(hdf_obj_child(node), depth + 1);
    }
}

int main(void)
{
    char *text = NULL;
    size_t room = 0;
    while (getdelim(&text, &room, '\0', stdin) > 0) {
        HDF *tree = NULL;
        NEOERR *error = hdf_init(&tree);
        if (error == NULL) error = hdf_read_string(tree, text);
        puts(error == NULL ? "text" : "error");
        nerr_ignore(&error);
        print_nodes(hdf_obj_child(tree), 0);
        puts(".");
        hdf_destroy(&tree);
    }
    free(text);
    return 0;
}
