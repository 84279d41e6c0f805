/** Search by words and by meaning. */
package io.steelyard.feed.search;
