/** What the templates show, and the templates themselves as the build compiles them. */
package io.steelyard.feed.page;
