/** Matrix products beside libtorch's and beside the machine's multiply-add peak. */
package io.steelyard.bench.dense;
