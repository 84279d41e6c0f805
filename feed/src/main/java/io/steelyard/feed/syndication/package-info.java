/** Lists of papers as RSS, Atom and JSON Feed. */
package io.steelyard.feed.syndication;
