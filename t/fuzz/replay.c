/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main of a fuzz target where there is no libFuzzer:
 *
 *     t/fuzz/NAME VARIATIONS FILE...
 *
 * Each file is played as it is, and in so many variations, which are the same
 * each time: octets are changed, doubled, left out, and put in the place of
 * others. An input that fails is written to standard error as C escapes. It
 * knows nothing of coverage.
 */
#include "fuzz.h"

#include <ctype.h>
#include <signal.h>
#include <unistd.h>

#define INPUT_MAX 65536
/* Seconds that one input and its variations may take. */
#define PATIENCE  120

/** The input that is played. */
static struct {
    size_t len;
    uint8_t octets[INPUT_MAX];
} current;

static void show_input(int signal_number)
{
    static const char digits[] = "0123456789abcdef";
    char text[4 * 4096 + 1];
    size_t len = 0;
    size_t i;

    for (i = 0; i < current.len && i < 4096; i++) {
        if (isprint(current.octets[i]) && current.octets[i] != '\\') {
            text[len++] = (char)current.octets[i];
            continue;
        }
        text[len++] = '\\';
        text[len++] = 'x';
        text[len++] = digits[current.octets[i] >> 4];
        text[len++] = digits[current.octets[i] & 15];
    }
    text[len++] = '\n';
    if (write(STDERR_FILENO, text, len) < 0) {
        _exit(2);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static unsigned int draw(uint32_t *state, size_t below)
{
    *state = *state * 1664525 + 1013904223;
    return below > 0 ? (*state >> 8) % (unsigned int)below : 0;
}

/* Puts @a len octets from elsewhere in the input to @a at, which makes it
 * longer, or not. */
static void copy_piece(uint32_t *state, size_t at, size_t len)
{
    size_t from = draw(state, current.len - len + 1);
    uint8_t piece[64];

    memcpy(piece, current.octets + from, len);
    if (draw(state, 2) && current.len + len <= INPUT_MAX) {
        memmove(current.octets + at + len, current.octets + at,
                current.len - at);
        current.len += len;
    }
    else if (at + len > current.len) {
        return;
    }
    memcpy(current.octets + at, piece, len);
}

static void change_input(uint32_t *state)
{
    static const uint8_t special[] = { '\r', '\n', '.', 0,   ' ', '<', '>',
                                       '"',  '\\', '@', 255, 127, ':', '=' };
    size_t at = draw(state, current.len);
    size_t len = 1 + draw(state, 16);

    len = len <= current.len - at ? len : current.len - at;
    switch (draw(state, 4)) {
    case 0:
        current.octets[at] = (uint8_t)draw(state, 256);
        break;
    case 1:
        current.octets[at] = special[draw(state, sizeof(special))];
        break;
    case 2:
        memmove(current.octets + at, current.octets + at + len,
                current.len - at - len);
        current.len -= len;
        break;
    default:
        copy_piece(state, at, len);
        break;
    }
}

/* Each run sees octets that end where the memory ends. */
static void play_input(void)
{
    fuzz_input in = { current.octets, current.len };
    char *octets = fuzz_take(&in, current.len);

    LLVMFuzzerTestOneInput((const uint8_t *)octets, current.len);
    free(octets);
}

static void play_file(const char *path, long variations)
{
    static uint8_t seed[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    uint32_t state = 1;
    size_t len;
    int changes;

    fuzz_check(file != NULL);
    len = fread(seed, 1, sizeof(seed), file);
    fclose(file);
    current.len = len;
    memcpy(current.octets, seed, len);
    play_input();
    for (; variations > 0; variations--) {
        current.len = len;
        memcpy(current.octets, seed, len);
        for (changes = 1 + (int)draw(&state, 6); changes > 0 && current.len > 0;
             changes--) {
            change_input(&state);
        }
        play_input();
    }
}

int main(int argc, char **argv)
{
    int i;

    if (argc < 3) {
        fprintf(stderr, "usage: %s VARIATIONS FILE...\n", argv[0]);
        return 2;
    }
    signal(SIGABRT, show_input);
    signal(SIGSEGV, show_input);
    signal(SIGALRM, show_input);
    for (i = 2; i < argc; i++) {
        alarm(PATIENCE);
        play_file(argv[i], strtol(argv[1], NULL, 10));
    }
    return 0;
}
