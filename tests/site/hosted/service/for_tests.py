"""What the hosted service has not: switches for tests, and what they look at. None of it is counted."""

from tests.site.hosted.service.endpoints import is_online
from tests.site.hosted.service.tasks import send_waiting


def get_faults(service, request):
    return service.faults.document()


def put_faults(service, request):
    for release in service.faults.switch(request.document):
        service.broker.in_thread(release)
    send_waiting(service)
    return service.faults.document()


def get_requests(service, request):
    return service.counter.document()


def forget_requests(service, request):
    service.counter.begin()
    return {}


def get_beats(service, request):
    """When each endpoint and user endpoint gave its last sign of life."""
    return {each: beat.at for each, beat in dict(service.state.beats).items()}


def get_online(service, request):
    """Whether each endpoint is online, as its status says it."""
    return {each: is_online(service, each) for each in list(service.state.endpoints)}


def get_user_endpoints(service, request):
    """What user endpoints were asked for, and how many tasks each still owes."""
    return {
        each.id: {
            "name": each.name,
            "endpoint": each.endpoint,
            "owner": each.owner,
            "config": each.config,
            "online": is_online(service, each.id),
            "owes": len(service.state.unfinished(each.id)),
        }
        for each in list(service.state.user_endpoints.values())
    }


ROUTES = (
    ("GET", "/faults", get_faults),
    ("PUT", "/faults", put_faults),
    ("GET", "/requests", get_requests),
    ("DELETE", "/requests", forget_requests),
    ("GET", "/beats", get_beats),
    ("GET", "/online", get_online),
    ("GET", "/user_endpoints", get_user_endpoints),
)
