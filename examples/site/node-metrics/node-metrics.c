/* Tells whoever connects how loaded this machine is, in the text format of metrics.
 *
 * usage: node-metrics [CONFIGURATION]
 * The configuration has lines `address = 127.0.0.1`, `port = 9117` and `prefix = node`. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char address[64] = "127.0.0.1";
static char prefix[64] = "node";
static int port = 9117;

static void read_configuration(const char *path)
{
    char line[256], key[64], value[64];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#' || sscanf(line, " %63[a-z] = %63s", key, value) != 2)
            continue;
        if (!strcmp(key, "address"))
            snprintf(address, sizeof address, "%s", value);
        else if (!strcmp(key, "prefix"))
            snprintf(prefix, sizeof prefix, "%s", value);
        else if (!strcmp(key, "port"))
            port = atoi(value);
        else
            fprintf(stderr, "%s: unknown setting %s\n", path, key);
    }
    fclose(file);
}

static void answer(int client)
{
    double loads[3];
    if (getloadavg(loads, 3) == 3)
        dprintf(client,
                "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n"
                "# TYPE %s_load1 gauge\n%s_load1 %.2f\n# TYPE %s_load15 gauge\n%s_load15 %.2f\n",
                prefix, prefix, loads[0], prefix, prefix, loads[2]);
    else
        dprintf(client, "HTTP/1.0 500 No load\r\n\r\n");
    shutdown(client, SHUT_WR);
}

int main(int argc, char **argv)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    int yes = 1, listener;

    if (argc > 1)
        read_configuration(argv[1]);
    signal(SIGPIPE, SIG_IGN);
    here.sin_port = htons(port);
    if (inet_pton(AF_INET, address, &here.sin_addr) != 1) {
        fprintf(stderr, "%s is no address\n", address);
        return 1;
    }
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 16)) {
        perror("node-metrics");
        return 1;
    }
    for (;;) {
        char request[1024];
        struct timeval timeout = {.tv_sec = 5};
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        if (read(client, request, sizeof request) > 0)
            answer(client);
        close(client);
    }
}
