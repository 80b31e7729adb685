// Which thread calls, and how many instances there are, changes nothing.

#include <string.h>

#include "tests.h"

typedef struct Turn {
    Rig *rig;
    Subject *subject;
    int rounds;
    uint64_t digest, odd;
} Turn;

static void *take_turn(void *context) {
    Turn *turn = context;
    for (int i = 0; i < turn->rounds; i++) {
        uint64_t digest = rig_encode_well(turn->rig, turn->subject);
        if (i && digest != turn->digest) turn->odd = digest;
        turn->digest = digest;
    }
    return NULL;
}

static void *make(void *context) {
    Turn *turn = context;
    rig_instance(turn->rig, turn->subject);
    return NULL;
}

static void *drop(void *context) {
    Turn *turn = context;
    rig_destroy(turn->subject);
    return NULL;
}

static pthread_t on_thread(void *(*body)(void *), Turn *turn) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, turn)) skip("no thread could be started");
    return thread;
}

static void any_thread(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    Turn turn = {&rig, &subject, 1, 0, 0};
    pthread_join(on_thread(make, &turn), NULL);
    uint64_t digest = rig_encode_well(&rig, &subject);
    for (int i = 0; i < 3; i++) {
        pthread_join(on_thread(take_turn, &turn), NULL);
        if (turn.digest != digest) fail("another thread got another output");
    }
    pthread_join(on_thread(drop, &turn), NULL);
}

static void two_instances(const ProbeArguments *arguments) {
    Rig rig;
    Subject one, two;
    rig_start(&rig, arguments);
    if (rig.descriptor->most_instances == 1) skip("most_instances is 1");
    rig_instance(&rig, &one);
    uint64_t digest = rig_encode_well(&rig, &one);
    rig_instance(&rig, &two);
    for (int i = 0; i < 2; i++) {
        if (rig_encode_well(&rig, &two) != digest) fail("a second instance gave another output");
        if (rig_encode_well(&rig, &one) != digest) fail("the first instance gave another output beside a second one");
    }
    rig_destroy(&one);
    if (rig_encode_well(&rig, &two) != digest) fail("destroying one instance changed the output of another");
    rig_destroy(&two);
}

enum { AT_ONCE = 8 };

static void compare(Turn turns[], int count, uint64_t digest) {
    for (int i = 0; i < count; i++) {
        if (turns[i].odd || turns[i].digest != digest) fail("calls at the same time changed the output");
    }
}

static void instances_at_once(const ProbeArguments *arguments) {
    Rig rig;
    Subject subjects[2];
    pthread_t threads[2];
    Turn turns[2];
    rig_start(&rig, arguments);
    if (rig.descriptor->most_instances == 1) skip("most_instances is 1");
    for (int i = 0; i < 2; i++) {
        rig_instance(&rig, &subjects[i]);
        turns[i] = (Turn){&rig, &subjects[i], 2, 0, 0};
    }
    uint64_t digest = rig_encode_well(&rig, &subjects[0]);
    for (int i = 0; i < 2; i++) threads[i] = on_thread(take_turn, &turns[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    compare(turns, 2, digest);
}

static void reentrant(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    pthread_t threads[AT_ONCE];
    Turn turns[AT_ONCE];
    rig_start(&rig, arguments);
    if (!(rig.descriptor->flags & GATEHOUSE_REENTRANT)) skip("the descriptor does not say GATEHOUSE_REENTRANT");
    rig_instance(&rig, &subject);
    uint64_t digest = rig_encode_well(&rig, &subject);
    for (int i = 0; i < AT_ONCE; i++) {
        turns[i] = (Turn){&rig, &subject, 2, 0, 0};
        threads[i] = on_thread(take_turn, &turns[i]);
    }
    for (int i = 0; i < AT_ONCE; i++) pthread_join(threads[i], NULL);
    compare(turns, AT_ONCE, digest);
}

#define OF_PLUGIN(id, promise, mend, run) {{id, promise, mend, "encode", PROBE_OF_PLUGIN, PROBE_NEEDS_INPUT}, run}

const Test thread_tests[] = {
    OF_PLUGIN("any-thread", "may be called from a different thread each time",
              "Keep state in the instance, not in thread-local variables.", any_thread),
    OF_PLUGIN("two-instances", "two instances do not touch each other",
              "Keep state in the instance, not in global variables.", two_instances),
    OF_PLUGIN("instances-at-once", "two instances may run at the same time",
              "Guard what instances share by a lock, or share nothing.", instances_at_once),
    OF_PLUGIN("reentrant", "eight calls at once on one instance, where it says so",
              "Take GATEHOUSE_REENTRANT from the flags, or let encode change nothing in the instance.", reentrant),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
