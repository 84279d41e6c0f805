/** Pairs measurements, and prints and stores what comes of it. */
package io.steelyard.bench.report;
