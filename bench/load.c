/* Viewers by the thousand, in one process on one epoll.
 *
 *   load PORT          commands on standard input, one a line; each is answered with one line of JSON
 *
 *   channel PATH [HEADER]         one more channel; its viewers ask for PATH, and send HEADER
 *   open COUNT EACH CHECK         COUNT more viewers, EACH to one channel after the other, as fast as the server takes
 *                                 them; CHECK 0: a viewer counts as open once it has asked (some servers say nothing
 *                                 before the first message), 1: once its answer has begun
 *   mark FIRST LAST               from now on count: every viewer is to get the messages FIRST to LAST of its channel
 *   wait SECONDS QUIET            until all have come, or SECONDS are over, or nothing came for QUIET seconds
 *   cut RATE                      so many viewers a second, any of them, lose their connection; they and those whom the
 *                                 server closes come back after a moment (of the server's choice, where it sent a
 *                                 `retry:`), with Last-Event-ID where they had an id
 *   settle SECONDS                no more cuts; until everybody is back
 *   page PATH                     from now on ask for a page, again and again, beside the viewers
 *   pages                         how long that took; no more of it
 *   stuck CHANNEL                 one more viewer, who never reads
 *   unstuck                       now it reads all there is, until the end or until nothing has come for a second
 *   close                         all viewers leave; channels are forgotten
 *
 * A message is a line `data: {"id":NUMBER, … t=NANOSECONDS …`: its number in its channel, and when it was published on
 * the clock that all processes of this machine share (CLOCK_MONOTONIC).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 128, SOURCES = 16, MOST_EVENTS = 128, READ = 1 << 18, LONGEST_ID = 24 };
enum { COMMANDS = -1, PAGE = -2 }; /* instead of the index of a viewer */
static const int64_t SECOND = 1000000000, TICK = 1000000, LOOK = 10000000, PAGE_PAUSE = 5000000;
static const int64_t SHORTEST_ABSENCE = 100000000, LONGEST_ABSENCE = 600000000;

enum state { AWAY, CONNECTING, ASKED, STREAMING };

struct viewer {
    int socket, channel;
    enum state state;
    int64_t back_at;         /* when it connects again; 0: not again */
    int64_t retry;           /* how long the server told it to stay away; 0: it did not */
    bool counted;            /* among those that an `open` waits for */
    bool chunked, has_digit; /* of Transfer-Encoding: what is left of the chunk, and the size that is being read */
    size_t chunk_left, chunk_size;
    char *rest; /* what was read and is no whole line yet */
    size_t rest_length;
    char id[LONGEST_ID], next_id[LONGEST_ID];
    uint64_t *seen; /* a bit for each message from `first` to `last` */
};

struct channel {
    char *path, *header;
};

static int port, epoll;
static struct channel *channels;
static int channel_count;
static struct viewer *viewers;
static int viewer_count;

static struct {
    int first, next, end, under_way, done, failed;
    bool check, active;
    int64_t began, ended;
} opening;

static struct {
    int64_t first, last, expected, received, doubled, last_at, until, quiet;
    uint32_t *took; /* microseconds from the publish to the receipt, of each message */
    size_t took_count, took_room;
    bool active;
} count;

static struct {
    double rate, owed;
    int64_t until;
    int64_t cuts, returns, refused;
    bool settling;
} cutting;

static struct {
    char *path;
    int socket;
    bool asked;
    int64_t began, next;
    uint32_t took[1 << 16];
    int count;
} page = {.socket = -1};

static int stuck = -1;
static char input[READ + (1 << 20)];

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void *grown(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (!memory && size) {
        perror("realloc");
        exit(1);
    }
    return memory;
}

static double seconds(int64_t from, int64_t to)
{
    return (double)(to - from) / (double)SECOND;
}

static int by_size(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

/* In milliseconds; `took` has been sorted. */
static double percentile(const uint32_t *took, size_t length, double part)
{
    return length ? took[(size_t)((double)(length - 1) * part)] / 1000.0 : 0;
}

/* Connections */

/* Over several source addresses, since one has only some 28,000 ports. */
static int connected(int index, int receive_buffer)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1u + (unsigned)index % SOURCES)};
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return -1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(made, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    if (receive_buffer)
        setsockopt(made, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (bind(made, (struct sockaddr *)&here, sizeof here) < 0 ||
        (connect(made, (struct sockaddr *)&there, sizeof there) < 0 && errno != EINPROGRESS)) {
        close(made);
        return -1;
    }
    return made;
}

static void watch(int socket, int index, uint32_t events, int how)
{
    struct epoll_event event = {.events = events, .data.fd = index};
    epoll_ctl(epoll, how, socket, &event);
}

static bool ask(int socket, const char *path, const char *header, const char *id)
{
    char request[2048];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream, */*\r\n%s%s%s%s%s\r\n", path,
                          port, header, *header ? "\r\n" : "", *id ? "Last-Event-ID: " : "", id, *id ? "\r\n" : "");
    return send(socket, request, (size_t)length, MSG_NOSIGNAL) == length;
}

static void opened(struct viewer *viewer, bool well)
{
    if (viewer->counted)
        return;
    viewer->counted = true;
    opening.under_way--;
    *(well ? &opening.done : &opening.failed) += 1;
    opening.ended = now();
}

static void go(struct viewer *viewer)
{
    if (viewer->socket >= 0)
        close(viewer->socket);
    viewer->socket = -1;
    viewer->state = AWAY;
    viewer->rest_length = 0;
    viewer->next_id[0] = 0;
    int64_t absence = SHORTEST_ABSENCE + rand() % (LONGEST_ABSENCE - SHORTEST_ABSENCE);
    viewer->back_at = now() + (viewer->retry ? viewer->retry : absence);
}

static void come(int index)
{
    struct viewer *viewer = &viewers[index];
    viewer->chunked = viewer->has_digit = false;
    viewer->chunk_left = viewer->chunk_size = 0;
    viewer->socket = connected(index, 0);
    if (viewer->socket < 0) {
        opened(viewer, false);
        go(viewer);
        return;
    }
    viewer->state = CONNECTING;
    watch(viewer->socket, index, EPOLLOUT, EPOLL_CTL_ADD);
}

/* What a viewer reads */

static void take_message(struct viewer *viewer, const char *data, size_t length, int64_t at)
{
    static const char NUMBER[] = "{\"id\":"; /* with a space after it, or without */
    if (length < sizeof NUMBER || memcmp(data, NUMBER, sizeof NUMBER - 1) != 0)
        return;
    int64_t number = strtoll(data + sizeof NUMBER - 1, NULL, 10);
    if (!viewer->seen || number < count.first || number > count.last)
        return;
    uint64_t bit = (uint64_t)(number - count.first);
    count.last_at = at;
    if (viewer->seen[bit / 64] & (UINT64_C(1) << bit % 64)) {
        count.doubled++;
        return;
    }
    viewer->seen[bit / 64] |= UINT64_C(1) << bit % 64;
    count.received++;
    const char *published = memmem(data, length, "t=", 2);
    int64_t took = published ? (at - strtoll(published + 2, NULL, 10)) / 1000 : 0;
    if (count.took_count == count.took_room) {
        count.took_room = count.took_room ? 2 * count.took_room : 1 << 16;
        count.took = grown(count.took, count.took_room * sizeof *count.took);
    }
    count.took[count.took_count++] = took > 0 ? (uint32_t)took : 0;
}

static void take_line(struct viewer *viewer, const char *line, size_t length, int64_t at)
{
    if (length && line[length - 1] == '\r')
        length--;
    if (!length) {
        if (*viewer->next_id)
            memcpy(viewer->id, viewer->next_id, LONGEST_ID);
    } else if (length > 5 && memcmp(line, "data:", 5) == 0) {
        size_t skipped = line[5] == ' ' ? 6 : 5;
        take_message(viewer, line + skipped, length - skipped, at);
    } else if (length > 3 && memcmp(line, "id:", 3) == 0) {
        size_t skipped = line[3] == ' ' ? 4 : 3;
        snprintf(viewer->next_id, LONGEST_ID, "%.*s", (int)(length - skipped), line + skipped);
    } else if (length > 6 && memcmp(line, "retry:", 6) == 0) {
        viewer->retry = strtoll(line + 6, NULL, 10) * (SECOND / 1000);
    }
}

/* Move what chunks carry together, in place; returns how much that is. `ended` where the last chunk has come. */
static size_t without_chunks(struct viewer *viewer, char *data, size_t length, bool *ended)
{
    size_t out = 0;
    for (size_t in = 0; in < length;) {
        if (viewer->chunk_left) {
            size_t some = viewer->chunk_left < length - in ? viewer->chunk_left : length - in;
            memmove(data + out, data + in, some);
            in += some;
            out += some;
            viewer->chunk_left -= some;
            continue;
        }
        char letter = data[in++];
        if (isxdigit((unsigned char)letter)) {
            viewer->chunk_size = viewer->chunk_size * 16 + (size_t)(letter <= '9' ? letter - '0' : (letter | 32) - 'a' + 10);
            viewer->has_digit = true;
        } else if (letter == '\n' && viewer->has_digit) {
            *ended |= !viewer->chunk_size;
            viewer->chunk_left = viewer->chunk_size;
            viewer->chunk_size = 0;
            viewer->has_digit = false;
        }
    }
    return out;
}

/* The head of the answer, if all of it is there; returns its length, 0 where not, -1 where it is not a stream. */
static ssize_t head(struct viewer *viewer, const char *data, size_t length)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    char text[4096];
    snprintf(text, sizeof text, "%.*s", (int)(end - data), data);
    if (strncmp(text, "HTTP/1.1 200", 12) != 0)
        return -1;
    viewer->chunked = strcasestr(text, "transfer-encoding: chunked");
    return end + 4 - data;
}

static void keep(struct viewer *viewer, const char *data, size_t length)
{
    if (length)
        viewer->rest = grown(viewer->rest, length);
    if (length)
        memcpy(viewer->rest, data, length);
    viewer->rest_length = length;
}

/* False where the stream has ended. */
static bool listen_to(struct viewer *viewer)
{
    size_t start = viewer->rest_length;
    if (start)
        memcpy(input, viewer->rest, start);
    ssize_t length = recv(viewer->socket, input + start, sizeof input - start, 0);
    if (length <= 0)
        return length < 0 && errno == EAGAIN;
    int64_t at = now();
    size_t end = start + (size_t)length;
    char *data = input;
    bool ended = false;
    if (viewer->state == ASKED) {
        ssize_t size = head(viewer, data, end);
        if (size < 0) {
            cutting.refused++;
            opened(viewer, false);
            return false;
        }
        if (!size) {
            keep(viewer, data, end);
            return true;
        }
        viewer->state = STREAMING;
        opened(viewer, true);
        data += size;
        end -= (size_t)size;
        start = 0;
    }
    if (viewer->chunked)
        end = start + without_chunks(viewer, data + start, end - start, &ended);
    size_t begun = 0;
    for (const char *line_end; (line_end = memchr(data + begun, '\n', end - begun)); begun = (size_t)(line_end - data) + 1)
        take_line(viewer, data + begun, (size_t)(line_end - data) - begun, at);
    keep(viewer, data + begun, end - begun);
    return !ended;
}

static void serve(int index, uint32_t events)
{
    struct viewer *viewer = &viewers[index];
    if (viewer->state == CONNECTING) {
        struct channel *channel = &channels[viewer->channel];
        if (events & (EPOLLERR | EPOLLHUP) || !ask(viewer->socket, channel->path, channel->header, viewer->id)) {
            opened(viewer, false);
            go(viewer);
            return;
        }
        viewer->state = ASKED;
        watch(viewer->socket, index, EPOLLIN, EPOLL_CTL_MOD);
        if (!opening.check)
            opened(viewer, true);
    } else if (viewer->state != AWAY && !listen_to(viewer)) {
        go(viewer);
    }
}

/* The page that somebody asks for meanwhile */

static void end_page(int64_t at)
{
    if (page.count < (int)(sizeof page.took / sizeof *page.took))
        page.took[page.count++] = (uint32_t)((at - page.began) / 1000);
    close(page.socket);
    page.socket = -1;
    page.next = at + PAGE_PAUSE;
}

static void serve_page(uint32_t events)
{
    char some[65536];
    if (!page.asked && events & EPOLLOUT) {
        page.asked = ask(page.socket, page.path, "Connection: close", "");
        watch(page.socket, PAGE, EPOLLIN, EPOLL_CTL_MOD);
        return;
    }
    ssize_t length = recv(page.socket, some, sizeof some, 0);
    if (length == 0 || (length < 0 && errno != EAGAIN))
        end_page(now());
}

/* Commands */

static void say_opened(void)
{
    opening.active = false;
    printf("{\"open\": %d, \"failed\": %d, \"seconds\": %.4f}\n", opening.done, opening.failed,
           seconds(opening.began, opening.ended));
}

static void say_counted(void)
{
    count.active = false;
    qsort(count.took, count.took_count, sizeof *count.took, by_size);
    printf("{\"expected\": %" PRId64 ", \"received\": %" PRId64 ", \"lost\": %" PRId64 ", \"doubled\": %" PRId64 ", "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"last_at\": %" PRId64 "}\n",
           count.expected, count.received, count.expected - count.received, count.doubled,
           percentile(count.took, count.took_count, 0.5), percentile(count.took, count.took_count, 0.99),
           percentile(count.took, count.took_count, 1), count.last_at);
}

static void say_settled(int away)
{
    cutting.settling = false;
    printf("{\"cuts\": %" PRId64 ", \"returns\": %" PRId64 ", \"refused\": %" PRId64 ", \"away\": %d}\n", cutting.cuts, cutting.returns,
           cutting.refused, away);
    cutting.cuts = cutting.returns = cutting.refused = 0;
}

static void open_viewers(int more, int each, bool check)
{
    viewers = grown(viewers, (size_t)(viewer_count + more) * sizeof *viewers);
    memset(viewers + viewer_count, 0, (size_t)more * sizeof *viewers);
    for (int i = viewer_count; i < viewer_count + more; i++) {
        viewers[i].socket = -1;
        viewers[i].channel = (i / each) % channel_count;
    }
    memset(&opening, 0, sizeof opening);
    opening.first = opening.next = viewer_count;
    opening.end = viewer_count += more;
    opening.check = check;
    opening.active = true;
    opening.began = opening.ended = now();
}

static void mark(int64_t first, int64_t last)
{
    size_t words = (size_t)(last - first) / 64 + 1;
    count.first = first;
    count.last = last;
    count.expected = viewer_count * (last - first + 1);
    count.received = count.doubled = count.last_at = 0;
    count.took_count = 0;
    for (int i = 0; i < viewer_count; i++) {
        viewers[i].seen = grown(viewers[i].seen, words * sizeof *viewers[i].seen);
        memset(viewers[i].seen, 0, words * sizeof *viewers[i].seen);
    }
}

static void close_all(void)
{
    for (int i = 0; i < viewer_count; i++) {
        go(&viewers[i]);
        free(viewers[i].rest);
        free(viewers[i].seen);
    }
    for (int i = 0; i < channel_count; i++) {
        free(channels[i].path);
        free(channels[i].header);
    }
    viewer_count = channel_count = 0;
    cutting.rate = 0;
}

static void get_stuck(int channel)
{
    stuck = connected(0, 4096);
    fcntl(stuck, F_SETFL, 0); /* from here on it waits */
    if (!ask(stuck, channels[channel].path, channels[channel].header, ""))
        perror("the stuck viewer");
}

static void get_unstuck(void)
{
    long total = 0;
    ssize_t length;
    setsockopt(stuck, SOL_SOCKET, SO_RCVBUF, &(int){1 << 20}, sizeof(int));
    setsockopt(stuck, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 1}, sizeof(struct timeval));
    while ((length = recv(stuck, input, sizeof input, 0)) > 0)
        total += length;
    printf("{\"bytes\": %ld, \"closed\": %s}\n", total, length == 0 || errno != EAGAIN ? "true" : "false");
    close(stuck);
}

static void obey(char *line)
{
    char *path = strchr(line, ' '), *header = path ? strchr(path + 1, ' ') : NULL;
    long one = 0, two = 0, three = 0;
    double rate = 0, quiet = 0;
    bool later = false;
    if (path && strncmp(line, "channel ", 8) == 0) {
        channels = grown(channels, (size_t)(channel_count + 1) * sizeof *channels);
        channels[channel_count].header = strdup(header ? header + 1 : "");
        channels[channel_count++].path = header ? strndup(path + 1, (size_t)(header - path - 1)) : strdup(path + 1);
        later = true; /* not answered at all: there are many */
    } else if (sscanf(line, "open %ld %ld %ld", &one, &two, &three) == 3) {
        open_viewers((int)one, (int)two, three);
        later = true;
    } else if (sscanf(line, "mark %ld %ld", &one, &two) == 2) {
        mark(one, two);
    } else if (sscanf(line, "wait %lf %lf", &rate, &quiet) == 2) {
        count.until = now() + (int64_t)(rate * (double)SECOND);
        count.quiet = (int64_t)(quiet * (double)SECOND);
        count.last_at = count.last_at ? count.last_at : now();
        count.active = later = true;
    } else if (sscanf(line, "cut %lf", &rate) == 1) {
        cutting.rate = rate;
        cutting.owed = 0;
    } else if (sscanf(line, "settle %lf", &rate) == 1) {
        cutting.rate = 0;
        cutting.until = now() + (int64_t)(rate * (double)SECOND);
        cutting.settling = later = true;
    } else if (path && strncmp(line, "page ", 5) == 0) {
        free(page.path);
        page.path = strdup(path + 1);
        page.count = 0;
        page.next = now();
    } else if (strcmp(line, "pages") == 0) {
        if (page.socket >= 0)
            end_page(now()); /* the one under way has taken so long already */
        free(page.path);
        page.path = NULL;
        qsort(page.took, (size_t)page.count, sizeof *page.took, by_size);
        printf("{\"count\": %d, \"median_ms\": %.2f, \"slowest_ms\": %.2f}\n", page.count,
               percentile(page.took, (size_t)page.count, 0.5), percentile(page.took, (size_t)page.count, 1));
        later = true;
    } else if (sscanf(line, "stuck %ld", &one) == 1) {
        get_stuck((int)one);
    } else if (strcmp(line, "unstuck") == 0) {
        get_unstuck();
        later = true;
    } else if (strcmp(line, "close") == 0) {
        close_all();
    } else {
        fprintf(stderr, "unknown: %s\n", line);
        exit(2);
    }
    if (!later)
        printf("{}\n");
}

static void read_commands(void)
{
    static char text[1 << 16];
    static size_t kept;
    ssize_t length = read(STDIN_FILENO, text + kept, sizeof text - kept);
    if (length <= 0)
        exit(0);
    kept += (size_t)length;
    char *begun = text;
    for (char *end; (end = memchr(begun, '\n', kept - (size_t)(begun - text))); begun = end + 1) {
        *end = 0;
        obey(begun);
    }
    kept -= (size_t)(begun - text);
    memmove(text, begun, kept);
}

/* What is due */

static void cut_some(int64_t passed)
{
    cutting.owed += cutting.rate * (double)passed / (double)SECOND;
    for (; cutting.owed >= 1 && viewer_count; cutting.owed--) {
        struct viewer *viewer = &viewers[rand() % viewer_count];
        if (viewer->state != AWAY) {
            go(viewer);
            cutting.cuts++;
        }
    }
}

static void tick(int64_t at, int64_t passed)
{
    for (; opening.active && opening.next < opening.end && opening.under_way < AT_ONCE; opening.next++) {
        opening.under_way++;
        come(opening.next);
    }
    if (opening.active && opening.done + opening.failed == opening.end - opening.first)
        say_opened();
    cut_some(passed);
    if (count.active && (count.received >= count.expected || at > count.until || at > count.last_at + count.quiet))
        say_counted();
    if (page.path && page.socket < 0 && at >= page.next) {
        page.began = at;
        page.asked = false;
        page.socket = connected(0, 0);
        watch(page.socket, PAGE, EPOLLOUT, EPOLL_CTL_ADD);
    }
}

static void look_around(int64_t at)
{
    int away = 0;
    for (int i = 0; i < viewer_count; i++) {
        struct viewer *viewer = &viewers[i];
        if (viewer->state == AWAY && viewer->back_at && viewer->back_at <= at) {
            come(i);
            cutting.returns++;
        }
        away += viewer->state < ASKED || (opening.check && viewer->state != STREAMING);
    }
    if (cutting.settling && (!away || at > cutting.until))
        say_settled(away);
}

int main(int arguments, char **words)
{
    if (arguments != 2) {
        fprintf(stderr, "load PORT\n");
        return 2;
    }
    port = atoi(words[1]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);
    srand(4);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(STDIN_FILENO, COMMANDS, EPOLLIN, EPOLL_CTL_ADD);
    for (int64_t last = now(), looked = last;;) {
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(epoll, events, MOST_EVENTS, 1);
        for (int i = 0; i < ready; i++) {
            int index = events[i].data.fd;
            if (index == COMMANDS)
                read_commands();
            else if (index == PAGE && page.socket >= 0)
                serve_page(events[i].events);
            else if (index >= 0 && index < viewer_count)
                serve(index, events[i].events);
        }
        int64_t at = now();
        if (at - last >= TICK) {
            tick(at, at - last);
            last = at;
        }
        if (at - looked >= LOOK) { /* at all viewers: that takes a while */
            look_around(at);
            looked = at;
        }
    }
}
