"""guichet beside other proxies, one worker each, doing and logging about the same.

What every module keeps: nothing is installed, nothing leaves the loopback, whatever is started is
ended by its process id, and a figure whose answers were not the expected ones is never reported.
"""
