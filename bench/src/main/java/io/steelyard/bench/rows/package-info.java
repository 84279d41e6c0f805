/** Work on rows of scores: its sizes, its inputs and the memory traffic it cannot do without. */
package io.steelyard.bench.rows;
