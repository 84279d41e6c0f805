/**
 * Detection: suppression of boxes that overlap better ones, and the average precision that tells
 * whether it helped.
 */
package io.steelyard.kernels.detection;
