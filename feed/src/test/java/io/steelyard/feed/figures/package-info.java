/** Figures of the site: times and loads, each by a command. */
package io.steelyard.feed.figures;
