"""silent.py PORT: takes connections and never says a word, for what has to end by a time limit."""
import socket, sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
held = []
while True:
    held.append(listener.accept()[0])
    held = held[-200:]
