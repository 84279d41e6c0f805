/** How good forecasts of series are, as points and as quantiles. */
package io.steelyard.analysis.forecast;
