/**
 * JMH benchmarks of the kernels beside real peers and beside the machine's limits, and the reporter
 * that pairs them. {@link io.steelyard.bench.Bench} is the way in; the build compiles benchmarks
 * and never runs them.
 */
package io.steelyard.bench;
