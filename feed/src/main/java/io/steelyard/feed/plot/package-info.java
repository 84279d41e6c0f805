/** Plots as SVG inside the page, drawn on the server. */
package io.steelyard.feed.plot;
