/** What stands between features and probabilities: classification heads and their densities. */
package io.steelyard.kernels.head;
