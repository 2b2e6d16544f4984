/* What the kernel alone takes of an answer: reads a request, writes fixed bytes, parses nothing.
   floor STATUS: listens on a free port of loopback, which it prints, until it is killed. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY = 219, EVENTS = 256 };

int main(int count, char **arguments) {
    char answer[1024];
    if (count != 2) return 2;
    int length = snprintf(answer, sizeof answer,
        "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        "content-language: fr\r\nvary: accept, accept-language\r\ncache-control: no-store\r\n"
        "retry-after: 5\r\ndate: Thu, 26 Nov 2026 05:55:26 GMT\r\n\r\n", arguments[1], BODY);
    memset(answer + length, 'x', BODY);
    length += BODY;

    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, size) || listen(listener, 1024)) return 1;
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    int poll = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int found = epoll_wait(poll, ready, EVENTS, -1);
        for (int i = 0; i < found; i++) {
            int socket = ready[i].data.fd;
            if (socket == listener) {
                socket = accept(listener, NULL, NULL);
                struct epoll_event reads = {.events = EPOLLIN | EPOLLET, .data.fd = socket};
                epoll_ctl(poll, EPOLL_CTL_ADD, socket, &reads);
                continue;
            }
            char request[4096];
            ssize_t read = recv(socket, request, sizeof request, MSG_DONTWAIT);
            if (read == 0 || (read > 0 && send(socket, answer, length, MSG_NOSIGNAL) < 0)) close(socket);
        }
    }
}
