/*
 * A resolver that takes half a minute to know nothing of names that begin with "slow-", and half a second for those that
 * begin with "late-", which are this machine: preloaded, it stands before the system's own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  resolver original = (resolver)dlsym(RTLD_NEXT, "getaddrinfo");
  if (name != NULL && strncmp(name, "slow-", 5) == 0) {
    sleep(30);
    return EAI_AGAIN;
  }
  if (name != NULL && strncmp(name, "late-", 5) == 0) {
    usleep(500 * 1000);
    name = "127.0.0.1";
  }
  return original(name, service, hints, found);
}
