"""Threads."""

import threading

from _common import MINE, description, schedd

schedd().submit(description(), count=3)
found = []
threads = [threading.Thread(target=lambda: found.append(len(schedd().query(MINE)))) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(found)
