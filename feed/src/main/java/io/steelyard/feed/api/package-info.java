/** The JSON of the public interface. */
package io.steelyard.feed.api;
