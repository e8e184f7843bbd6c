"""All bugs by id: first those of public bug reports, under the ids of the project's collection; then plausible ones."""

from importlib import import_module

from bugkit import TABLE  # noqa: F401 (what the others come here for)

REPORTED = ("create", "filter", "group", "lifecycle", "list", "patch", "shape", "edge")
PLAUSIBLE = ("patch", "group", "write", "filter", "value", "create", "read", "meta", "list", "discovery", "auth",
             "edge", "bulk")

for part in REPORTED:
    import_module(f"bugs_{part}")
for part in PLAUSIBLE:
    import_module(f"more_{part}")
for part in ("a_create", "a_write", "a_shape", "b_query", "b_patch", "b_group", "b_edge", "c_create", "c_write",
             "c_patch", "d_group", "d_member", "d_query", "e_create", "e_life", "e_patch", "f_group", "f_query",
             "f_shape", "g_create", "g_shape", "g_patch", "h_group", "h_query", "h_write", "i_write",
             "i_query", "i_life", "j_write", "j_group", "j_query", "k_user", "k_group",
             "l_user", "l_group", "l_shape"):
    import_module(f"fresh_{part}")
