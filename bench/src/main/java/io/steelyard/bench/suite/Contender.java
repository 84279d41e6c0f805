package io.steelyard.bench.suite;

/**
 * Something a case is compared with.
 *
 * @param name as printed in reports, for example {@code libtorch softmax}
 * @param trial what measures it
 */
public record Contender(String name, Trial trial) {}
