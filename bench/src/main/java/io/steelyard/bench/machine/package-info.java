/**
 * What the machine can do at best: memory traffic without arithmetic, arithmetic without memory.
 */
package io.steelyard.bench.machine;
