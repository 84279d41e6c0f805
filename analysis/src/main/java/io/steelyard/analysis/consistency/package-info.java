/** What a surrogate loss says about the zero-one loss that it stands for. */
package io.steelyard.analysis.consistency;
