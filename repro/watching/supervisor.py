"""The process between repro and a command that is watched by seccomp: a program of its own,
``python -I -S supervisor.py JOURNAL COMMAND…``.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # what it needs of repro, without all that importing repro brings along
    _folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    for _name, _path in (("repro", os.path.dirname(_folder)), ("repro.watching", _folder)):  # noqa: PTH120
        _module = type(sys)(_name)
        _module.__path__ = [_path]
        sys.modules[_name] = _module
    from repro.watching.supervising import main

    main(sys.argv[1:])
