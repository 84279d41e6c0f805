/** Runs single trials with JMH, each in a fresh JVM with the same flags. */
package io.steelyard.bench.jmh;
