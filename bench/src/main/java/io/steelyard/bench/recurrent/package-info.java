/** Recurrences over sequences. */
package io.steelyard.bench.recurrent;
