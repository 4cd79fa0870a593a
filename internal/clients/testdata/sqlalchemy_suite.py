# SQLAlchemy's own tests for dialects: which of them pass, fail and are left out.
import os
import sys
import tempfile

import pytest

host, port, db = sys.argv[1], int(sys.argv[2]), sys.argv[3]
home = tempfile.mkdtemp()
os.chdir(home)
open("setup.cfg", "w").write("[tool:pytest]\naddopts = --tb=no -p no:warnings -p no:cacheprovider\npython_files = test_*.py\n"
                             "[sqla_testing]\nrequirement_cls = sqlalchemy.testing.requirements:SuiteRequirements\nprofile_file = profiles.txt\n")
open("conftest.py", "w").write("from sqlalchemy.testing.plugin.pytestplugin import *\n")
open("test_suite.py", "w").write("from sqlalchemy.testing.suite import *\n")
sys.path.insert(0, home)


class Tell:
    def __init__(self):
        self.seen = {}

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.seen[report.nodeid] = report.outcome


tell = Tell()
real, sys.stdout = sys.stdout, sys.stderr
pytest.main(["-q", "--disable-asyncio", "--dburi", "mysql+pymysql://root@%s:%d/%s?charset=utf8mb4" % (host, port, db)], plugins=[tell])
sys.stdout = real
for name in sorted(tell.seen):
    print(name, tell.seen[name])
print("end of the program")
