/** What the operator of a site can set, and where from. */
package io.steelyard.feed.configuration;
