/* relay LISTEN ORIGIN: carries bytes between clients and an origin on loopback, one thread, epoll.
 * It reads nothing into them, so it is the floor under every proxy of the comparison. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 131072, EVENTS = 256 };

struct side {
    int fd;
    struct side *other;
    /* Read here and not yet written to the other side. */
    char *bytes;
    size_t from, to;
    int ended, connecting;
};

static int poll_fd;
static struct side *dead[EVENTS * 2];
static int deaths;

static void fail(const char *what) { perror(what); exit(1); }

static void watch(struct side *s) {
    struct epoll_event event = {.data.ptr = s};
    /* Readable counts only while there is room; writable only while something waits. */
    if (!s->connecting && !s->ended && s->from == s->to) event.events |= EPOLLIN;
    if (s->connecting || s->other->from != s->other->to) event.events |= EPOLLOUT;
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, s->fd, &event);
}

static struct side *add(int fd, int connecting) {
    struct side *s = calloc(1, sizeof *s);
    struct epoll_event event = {.data.ptr = s, .events = connecting ? EPOLLOUT : EPOLLIN};
    int one = 1;
    if (!s || !(s->bytes = malloc(ROOM))) fail("memory");
    s->fd = fd;
    s->connecting = connecting;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    return s;
}

static void close_both(struct side *s) {
    struct side *pair[2] = {s, s->other};
    if (s->fd < 0) return;
    for (int i = 0; i < 2; i++) {
        close(pair[i]->fd);
        pair[i]->fd = -1;
        dead[deaths++] = pair[i]; /* an event of this round may still point here */
    }
}

/* Moves what `from` has read on to the other side; -1 when the pair is over. */
static int push(struct side *from) {
    while (from->from < from->to) {
        ssize_t n = send(from->other->fd, from->bytes + from->from, from->to - from->from, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        from->from += (size_t)n;
    }
    from->from = from->to = 0;
    if (from->ended) shutdown(from->other->fd, SHUT_WR);
    return from->ended && from->other->ended ? -1 : 0;
}

static void turn(struct side *s, unsigned events) {
    if (s->fd < 0) return;
    size_t before = s->to, other = s->other->to;
    int changed = s->connecting;
    if (events & (EPOLLERR)) { close_both(s); return; }
    s->connecting = 0;
    if ((events & EPOLLOUT) && other && push(s->other)) { close_both(s); return; }
    if ((events & (EPOLLIN | EPOLLHUP)) && s->from == s->to && !s->ended) {
        ssize_t n = recv(s->fd, s->bytes, ROOM, 0);
        if (n < 0 && errno != EAGAIN) { close_both(s); return; }
        if (n == 0) s->ended = changed = 1;
        if (n > 0) s->to = (size_t)n;
        if (n >= 0 && !s->other->connecting && push(s)) { close_both(s); return; }
    }
    /* Interest changes only when something begins or ceases to wait. */
    if (changed || before != s->to || other != s->other->to) { watch(s); watch(s->other); }
}

static struct sockaddr_in loopback(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "relay LISTEN ORIGIN\n"); return 2; }
    struct sockaddr_in here = loopback(argv[1]), there = loopback(argv[2]);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&here, sizeof here) || listen(listener, 4096)) fail("listen");
    poll_fd = epoll_create1(0);
    struct epoll_event events[EVENTS], first = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &first)) fail("epoll_ctl");
    for (;;) {
        int count = epoll_wait(poll_fd, events, EVENTS, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) { turn(events[i].data.ptr, events[i].events); continue; }
            for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                int origin = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
                if (connect(origin, (void *)&there, sizeof there) && errno != EINPROGRESS) { close(origin); close(client); continue; }
                struct side *a = add(client, 0), *b = add(origin, 1);
                a->other = b;
                b->other = a;
            }
        }
        while (deaths) { free(dead[--deaths]->bytes); free(dead[deaths]); }
    }
}
