"""All bugs by id. The ids are those of the collection of public bug reports that this project keeps."""

import bugs_create  # noqa: F401 (each module enters its bugs into the table)
import bugs_edge  # noqa: F401
import bugs_filter  # noqa: F401
import bugs_group  # noqa: F401
import bugs_lifecycle  # noqa: F401
import bugs_list  # noqa: F401
import bugs_patch  # noqa: F401
import bugs_shape  # noqa: F401
from bugkit import TABLE  # noqa: F401
