/** Other people's code that benchmarks compare with. */
package io.steelyard.bench.peers;
