/** What linear time-varying systems keep and forget. */
package io.steelyard.analysis.recurrent;
