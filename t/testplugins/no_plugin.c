/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shared object that is no plugin. It must be refused at start. It has no
 * data.
 */
int no_plugin_at_all(void);

int no_plugin_at_all(void)
{
    return 0;
}
