/* The floor: the least that a server of streams can do, in C on a bare epoll.
 *
 *   floor PORT REDIS_PORT
 *
 * It listens to every channel of a Redis and writes each message to all viewers of `/stream/CHANNEL`, one write a
 * viewer. It signs nobody in, keeps nothing, counts nothing, replays nothing; whoever reads too slowly is closed.
 * Messages come through Redis, as for all others, so that only the server's own work differs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CHANNELS = 16384, MOST_FILES = 65536, MOST_EVENTS = 256, LONGEST_NAME = 64, LONGEST_REQUEST = 2048 };

struct channel {
    char name[LONGEST_NAME];
    int *viewers; /* their sockets */
    int count, room;
};

struct viewer {
    int channel; /* index + 1; 0 for a connection that has not asked for a stream yet */
    int place;   /* among the viewers of its channel */
};

static struct channel channels[MOST_CHANNELS];
static struct viewer viewers[MOST_FILES]; /* by socket */
static int epoll, listener, redis;

static const char STREAM[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                             "Connection: close\r\n\r\n: ok\n\n";
static const char PAGE[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

static void stop(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int socket)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = socket};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) < 0)
        stop("epoll_ctl");
}

/* The channel of this name, made where there is none. Open addressing; channels are never removed. */
static int channel_of(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    if (length >= LONGEST_NAME)
        length = LONGEST_NAME - 1;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    for (int tried = 0; tried < MOST_CHANNELS; tried++) {
        int index = (int)((hash + (uint32_t)tried) % MOST_CHANNELS);
        struct channel *channel = &channels[index];
        if (!channel->name[0])
            memcpy(channel->name, name, length);
        if (strncmp(channel->name, name, length) == 0 && !channel->name[length])
            return index;
    }
    fprintf(stderr, "too many channels\n");
    exit(1);
}

static void join(int socket, int index)
{
    struct channel *channel = &channels[index];
    if (channel->count == channel->room) {
        channel->room = channel->room ? 2 * channel->room : 16;
        channel->viewers = realloc(channel->viewers, (size_t)channel->room * sizeof *channel->viewers);
        if (!channel->viewers)
            stop("realloc");
    }
    viewers[socket] = (struct viewer){.channel = index + 1, .place = channel->count};
    channel->viewers[channel->count++] = socket;
}

static void leave(int socket)
{
    struct viewer *viewer = &viewers[socket];
    if (viewer->channel) {
        struct channel *channel = &channels[viewer->channel - 1];
        int last = channel->viewers[--channel->count];
        channel->viewers[viewer->place] = last;
        viewers[last].place = viewer->place;
        viewer->channel = 0;
    }
    close(socket);
}

static void welcome(void)
{
    int socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (socket >= MOST_FILES) {
            close(socket);
            continue;
        }
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        watch(socket);
    }
}

/* A whole request in one read is all that the load generator sends. */
static void serve(int socket)
{
    char request[LONGEST_REQUEST];
    ssize_t length = recv(socket, request, sizeof request - 1, 0);
    if (length <= 0) {
        if (length == 0 || errno != EAGAIN)
            leave(socket);
        return;
    }
    request[length] = 0;
    static const char WANTED[] = "GET /stream/";
    if (strncmp(request, WANTED, sizeof WANTED - 1) != 0) {
        if (send(socket, PAGE, sizeof PAGE - 1, MSG_NOSIGNAL) < 0)
            perror("send");
        leave(socket);
        return;
    }
    const char *name = request + sizeof WANTED - 1;
    join(socket, channel_of(name, strcspn(name, " ?")));
    if (send(socket, STREAM, sizeof STREAM - 1, MSG_NOSIGNAL) < 0)
        leave(socket);
}

static void tell(const char *name, size_t name_length, const char *payload, size_t length)
{
    static char block[1 << 20];
    struct channel *channel = &channels[channel_of(name, name_length)];
    int size = snprintf(block, sizeof block, "data: %.*s\n\n", (int)length, payload);
    for (int i = channel->count - 1; i >= 0; i--) /* from the end: one that leaves is replaced by one already told */
        if (send(channel->viewers[i], block, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) != size)
            leave(channel->viewers[i]);
}

/* One answer of Redis, an array of strings and numbers, into `parts`; returns its length, 0 where it is not all here. */
static size_t answer(const char *data, size_t length, const char *parts[4], size_t lengths[4])
{
    size_t at = 0;
    int wanted = 1;
    for (int part = -1; part < wanted; part++) {
        const char *end = memchr(data + at, '\n', length - at);
        if (!end)
            return 0;
        char kind = data[at];
        long number = strtol(data + at + 1, NULL, 10);
        at = (size_t)(end - data) + 1;
        if (part < 0) {
            wanted = (int)number;
        } else if (kind == '$') {
            if (length < at + (size_t)number + 2)
                return 0;
            parts[part] = data + at;
            lengths[part] = (size_t)number;
            at += (size_t)number + 2;
        }
    }
    return at;
}

static void listen_to_redis(void)
{
    static char heard[1 << 22];
    static size_t kept;
    ssize_t length = recv(redis, heard + kept, sizeof heard - kept, MSG_DONTWAIT);
    if (length <= 0) {
        fprintf(stderr, "Redis is away\n");
        exit(1);
    }
    kept += (size_t)length;
    size_t at = 0, used;
    const char *parts[4] = {NULL};
    size_t lengths[4] = {0};
    while (at < kept && (used = answer(heard + at, kept - at, parts, lengths))) {
        if (lengths[0] == strlen("pmessage") && memcmp(parts[0], "pmessage", lengths[0]) == 0)
            tell(parts[2], lengths[2], parts[3], lengths[3]);
        at += used;
    }
    memmove(heard, heard + at, kept - at);
    kept -= at;
}

static void start(const char *port, const char *redis_port)
{
    static const char SUBSCRIBE[] = "PSUBSCRIBE *\r\n";
    struct sockaddr_in here = address(port), there = address(redis_port);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    redis = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(redis, (struct sockaddr *)&there, sizeof there) < 0)
        stop("Redis");
    if (send(redis, SUBSCRIBE, sizeof SUBSCRIBE - 1, 0) < 0)
        stop("Redis");
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 4096) < 0)
        stop("listen");
    watch(redis);
    watch(listener);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "floor PORT REDIS_PORT\n");
        return 2;
    }
    start(arguments[1], arguments[2]);
    for (;;) {
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(epoll, events, MOST_EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int socket = events[i].data.fd;
            if (socket == redis)
                listen_to_redis();
            else if (socket == listener)
                welcome();
            else
                serve(socket);
        }
    }
}
