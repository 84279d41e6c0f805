/**
 * What a benchmark suite says about itself: cases, what each is compared with, and the targets it
 * should reach. Nothing here runs anything.
 */
package io.steelyard.bench.suite;
