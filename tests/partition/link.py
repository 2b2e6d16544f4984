"""A link between two namespaces that loses the share of packets that a file says."""
import fcntl, os, random, select, struct, sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def end(name):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


near, far = end("near0"), end("far0")
random.seed(30)
while True:
    for tun in select.select([near, far], [], [])[0]:
        try:
            packet = os.read(tun, 65536)
            with open(sys.argv[1]) as loss:
                lost = random.random() < float(loss.read() or 0)
            if not lost:
                os.write(far if tun == near else near, packet)
        except OSError:
            pass  # that end is down, and what was for it is lost
