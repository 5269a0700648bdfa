//! A request, from its head to the head of its answer.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use crate::body::Body;
use crate::fault::Fault;
use crate::files;
use crate::head_wait::HeadWait;
use crate::headers::{Hop, Peer, pass_on, passes_through, strip_answer, upgrade_asked};
use crate::identity::{self, Issuer};
use crate::inject::Navigation;
use crate::meters::count_fault;
use crate::mounted::{Endpoint, Mounted, Place};
use crate::path::normalise;
use crate::record::{Record, Recorded};
use crate::rewrite::rewrite_answer;
use crate::route::{Asked, asked, host_name};
use crate::server::Shared;
use crate::table::{Routed, RoutedOrigin};
use crate::trace::Trace;
use crate::tunnel;
use crate::upstream::{Download, Exchange, Pool, Upload};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What one thread has to answer requests with.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    pool: Rc<Pool>,
    random: RefCell<fastrand::Rng>,
}

/// Where a request goes on to.
struct Onward<'s> {
    endpoint: &'s Endpoint,
    target: String,
    /// The add-on that it is for, and where that is on the site; nothing for the site's origin.
    mount: Option<(&'s Mounted, &'s Place)>,
    /// Who makes the tokens of the site's users.
    issuer: Option<&'s Issuer>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let mut seed = [0; 8];
        (shared.surroundings.entropy)(&mut seed);
        let pool = Pool::new(shared.settings.limits.kept_connections, shared.settings.timeouts.keep);
        let random = fastrand::Rng::with_seed(u64::from_ne_bytes(seed));
        Self { shared, pool: Rc::new(pool), random: RefCell::new(random) }
    }

    pub(crate) fn sweep(&self) {
        self.pool.sweep();
    }

    /// Always an answer: faults become one.
    pub(crate) async fn handle(
        &self,
        peer: &Peer,
        mut request: Request<Incoming>,
        head_wait: Rc<HeadWait>,
    ) -> Response<Recorded> {
        let trace = Trace::continued(request.headers_mut(), &mut self.random.borrow_mut());
        let mut record = Record::begin(&request, trace.id_text(), self.shared.no_site.clone(), head_wait);
        let accept = request.headers().get(header::ACCEPT).cloned();
        let mut response = match self.answer(peer, request, &mut record).await {
            Ok(response) => response,
            Err(fault) => {
                count_fault(&*self.shared.surroundings.recorder, &fault);
                tracing::info!(
                    request_id = trace.id_text(),
                    status = fault.status.as_u16(),
                    code = fault.code,
                    cause = fault.cause,
                    "no answer"
                );
                fault.answer(accept.as_ref(), trace.id_text())
            }
        };
        response.headers_mut().entry(X_REQUEST_ID).or_insert(trace.id);
        record.answered(response.status());
        response.map(|body| Recorded { body, record })
    }

    async fn answer(
        &self,
        peer: &Peer,
        mut request: Request<Incoming>,
        record: &mut Record,
    ) -> Result<Response<Body>, Fault> {
        let asked_host = asked_host(&request)?;
        let site = self.site(&asked_host)?;
        let recorder = &*self.shared.surroundings.recorder;
        record.meters = site.meters(recorder).clone();
        let path = self.checked_path(&request)?;
        let onward = self.onward(&site, &path, request.uri().query())?;
        if let Some((mount, _)) = onward.as_ref().and_then(|onward| onward.mount) {
            record.meters = site.meters_of(mount, recorder).clone();
        }
        let is_sites_own = onward.as_ref().is_none_or(|onward| onward.mount.is_none());
        let navigation = site.snippets.as_ref().filter(|_| is_sites_own).and_then(|snippets| {
            let visitor = || peer.visitor(request.headers(), &*self.shared.surroundings.trusted_proxy);
            Navigation::of(snippets, request.method(), request.headers(), visitor)
        });
        if let Some(navigation) = &navigation {
            navigation.ask(request.headers_mut());
        }
        let response = match onward {
            Some(onward) => self.pass_on(peer, request, &asked_host, onward, record).await?,
            // Boxed, as are other ways that few requests take: each request makes room for all that is not.
            None => Box::pin(from_folder(&site, &path, request)).await?,
        };
        Ok(match navigation {
            Some(navigation) => Box::pin(navigation.inject(response)).await,
            None => response,
        })
    }

    fn site(&self, asked_host: &HeaderValue) -> Result<Arc<Routed>, Fault> {
        let refused = |status, code, message: &str| Fault::downstream(status, code, message);
        let name = asked_host.to_str().ok().and_then(host_name).ok_or_else(|| {
            refused(StatusCode::BAD_REQUEST, "bad_host", "The host that the request asks for is no host name.")
        })?;
        self.shared
            .table
            .site(&name)
            .ok_or_else(|| refused(StatusCode::NOT_FOUND, "unknown_site", "No site has this name. Check the address."))
    }

    fn checked_path(&self, request: &Request<Incoming>) -> Result<String, Fault> {
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            let message = "The gateway does not take this method.";
            return Err(Fault::downstream(StatusCode::METHOD_NOT_ALLOWED, "method", message));
        }
        let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        if target.len() > self.shared.settings.limits.target_bytes {
            return Err(Fault::downstream(StatusCode::URI_TOO_LONG, "target_too_long", "The address is too long."));
        }
        if passes_through(request.headers(), &self.shared.settings.name) >= self.shared.settings.max_passes {
            let message = "The request came back to the gateway again and again: an address leads to itself.";
            return Err(Fault::upstream(StatusCode::LOOP_DETECTED, "loop", message));
        }
        let path = if request.uri().path().is_empty() { "/" } else { request.uri().path() };
        // `OPTIONS *` asks about the server as a whole.
        let path = if path == "*" { "/" } else { path };
        let path = normalise(path).map_err(|fault| {
            Fault::downstream(StatusCode::BAD_REQUEST, "bad_path", format!("Not passed on: {fault}."))
        })?;
        Ok(path.into_owned())
    }

    /// `None` where no server is asked.
    fn onward<'s>(&self, site: &'s Routed, path: &str, query: Option<&str>) -> Result<Option<Onward<'s>>, Fault> {
        let prefix = &self.shared.settings.path_prefix;
        if let Asked::AddOn { slug, rest } = asked(path, prefix)
            && let Some(mount) = site.mount(slug)
        {
            let endpoint = mount.endpoint.as_ref().ok_or_else(|| {
                let message = format!("The add-on `{slug}` of this site has no address.");
                Fault::downstream(StatusCode::NOT_FOUND, "no_endpoint", message)
            })?;
            let target = endpoint.target_below(rest, query);
            let (mount, issuer) = (Some((mount, mount.place(prefix))), site.issuer.as_ref());
            return Ok(Some(Onward { endpoint, target, mount, issuer }));
        }
        Ok(match &site.origin {
            Some(RoutedOrigin::Upstream(endpoint)) => {
                Some(Onward { endpoint, target: endpoint.target_at(path, query), mount: None, issuer: None })
            }
            _ => None,
        })
    }

    async fn pass_on(
        &self,
        peer: &Peer,
        mut request: Request<Incoming>,
        asked_host: &HeaderValue,
        onward: Onward<'_>,
        record: &mut Record,
    ) -> Result<Response<Body>, Fault> {
        let Shared { settings, surroundings, proof_names, .. } = &*self.shared;
        let Onward { endpoint, target, mount, issuer } = onward;
        let client = upgrade_asked(request.headers()).is_some().then(|| hyper::upgrade::on(&mut request));
        let hop = Hop {
            peer,
            version: request.version(),
            asked_host,
            upstream_host: &endpoint.authority,
            mounted_at: mount.and_then(|(_, place)| place.header.as_ref()),
            header_prefix: &settings.header_prefix,
            via: &self.shared.via,
        };
        pass_on(request.headers_mut(), &hop);
        if let Some((mount, _)) = mount {
            identity::introduce(request.headers_mut(), issuer, &mount.proof, &self.shared).await;
            mount.proof.put(request.headers_mut(), proof_names, (surroundings.clock)(), settings);
        }
        *request.version_mut() = Version::HTTP_11;
        *request.uri_mut() = uri(&target)?;
        let (parts, body) = request.into_parts();
        let (body, upload) = Upload::new(body, settings);
        record.upload.clone_from(&upload);
        let exchange = Exchange {
            endpoint,
            upstream: endpoint.upstream(&self.shared.upstreams),
            connector: &self.shared.connector,
            pool: &self.pool,
            settings,
        };
        let exchanged = exchange.run(Request::from_parts(parts, body), upload).await;
        let who = || mount.map_or("The site's server".to_owned(), |(mount, _)| format!("The add-on `{}`", mount.slug));
        let (mut response, lease) = exchanged.map_err(|error| Fault::of_exchange(&error, &who()))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(client, response, &who(), record);
        }
        strip_answer(response.headers_mut());
        rewrite_answer(response.headers_mut(), endpoint, &target, mount.map_or("", |(_, place)| &place.path));
        Ok(response.map(|body| Body::Download(Download::new(body, lease, settings.timeouts.idle))))
    }

    /// Both sides agreed on another protocol.
    fn switch(
        &self,
        client: Option<OnUpgrade>,
        mut response: Response<Incoming>,
        who: &str,
        record: &Record,
    ) -> Result<Response<Body>, Fault> {
        let Some(client) = client else {
            let message = format!("{who} changed the protocol though nobody asked for it.");
            return Err(Fault::upstream(StatusCode::BAD_GATEWAY, "bad_answer", message));
        };
        let upstream = hyper::upgrade::on(&mut response);
        let (meters, idle) = (record.meters.clone(), self.shared.settings.timeouts.idle);
        tokio::task::spawn_local(tunnel::run(client, upstream, meters, idle));
        let protocol = response.headers().get(header::UPGRADE).cloned();
        strip_answer(response.headers_mut());
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        response.headers_mut().extend(protocol.map(|protocol| (header::UPGRADE, protocol)));
        Ok(response.map(|_| Body::full("")))
    }
}

async fn from_folder(site: &Routed, path: &str, request: Request<Incoming>) -> Result<Response<Body>, Fault> {
    let Some(RoutedOrigin::Files(folder)) = &site.origin else {
        return Err(Fault::downstream(StatusCode::NOT_FOUND, "no_such_page", "The site has no pages."));
    };
    let mut parts = request.into_parts().0;
    parts.uri = uri(path)?;
    files::serve(folder, parts).await
}

/// The host that the request asks for: that of its target, if it has one there, else that of its `Host` header
/// (RFC 9112 section 3.2.2).
fn asked_host(request: &Request<Incoming>) -> Result<HeaderValue, Fault> {
    let bad = |message: &str| Fault::downstream(StatusCode::BAD_REQUEST, "bad_host", message);
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(bad("The request names its host twice."));
    }
    let authority = request.uri().authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    match (authority, host) {
        (Some(authority), _) => authority.map_err(|_| bad("The host that the request asks for is no host name.")),
        (None, Some(host)) => Ok(host.clone()),
        (None, None) => Err(bad("The request does not say which host it is for.")),
    }
}

fn uri(target: &str) -> Result<Uri, Fault> {
    target.parse().map_err(|fault: http::uri::InvalidUri| {
        let message = "Not passed on: the address is no path and query.";
        Fault::downstream(StatusCode::BAD_REQUEST, "bad_path", message).caused_by(fault)
    })
}
