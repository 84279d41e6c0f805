/** The site: what is at each address, and how it all is put together. */
package io.steelyard.feed.site;
