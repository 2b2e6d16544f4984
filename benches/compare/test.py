#!/usr/bin/env python3
"""Tests of what the bench is made of, without starting anything: benches/compare/test.py"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

if __name__ == "__main__":
    suite = unittest.defaultTestLoader.discover(
        str(Path(__file__).resolve().parent / "tests"), "*.py", str(Path(__file__).resolve().parent)
    )
    sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())
